#include "routing/prefix_table.h"

namespace weir::routing {

uint32_t PrefixTable::find(std::string_view prefix) const {
  const auto node = std::find_if(nodes_.begin(), nodes_.end(), [&](const Node& n) { return n.text == prefix; });
  return node == nodes_.end() ? kNobody : node->number;
}

void PrefixTable::seal() {
  std::sort(nodes_.begin(), nodes_.end(), [](const Node& a, const Node& b) { return a.text < b.text; });
  std::vector<uint32_t> chain;  // those that the node before begins with, itself the last
  for (uint32_t i = 0; i < nodes_.size(); ++i) {
    while (!chain.empty() && !nodes_[i].text.starts_with(nodes_[chain.back()].text)) chain.pop_back();
    nodes_[i].parent = chain.empty() ? kNobody : chain.back();
    chain.push_back(i);
  }
}

}  // namespace weir::routing
