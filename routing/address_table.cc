#include "routing/address_table.h"

#include <cstring>

namespace weir::routing {

AddressTable::Bits AddressTable::bits_of(const config::IpAddress& ip) {
  uint64_t high = 0, low = 0;
  std::memcpy(&high, ip.bytes.data(), 8);
  std::memcpy(&low, ip.bytes.data() + 8, 8);
  return Bits{__builtin_bswap64(high)} << 64 | __builtin_bswap64(low);
}

void AddressTable::add(const config::Cidr& block, uint32_t number) {
  const Bits mask = block.length == 0 ? Bits{0} : ~Bits{0} << (128 - block.length);
  nodes_.push_back({bits_of(block.address) & mask, mask, number, kNobody});
}

void AddressTable::seal() {
  std::sort(nodes_.begin(), nodes_.end(),
            [](const Node& a, const Node& b) { return a.first != b.first ? a.first < b.first : a.mask < b.mask; });
  std::vector<uint32_t> chain;  // the blocks around the node before, itself the last
  for (uint32_t i = 0; i < nodes_.size(); ++i) {
    while (!chain.empty() && !nodes_[chain.back()].holds(nodes_[i].first)) chain.pop_back();
    nodes_[i].parent = chain.empty() ? kNobody : chain.back();
    chain.push_back(i);
  }
}

const AddressTable::Node* AddressTable::last_before(const config::IpAddress& ip) const {
  const auto after = std::upper_bound(nodes_.begin(), nodes_.end(), bits_of(ip),
                                      [](Bits bits, const Node& node) { return bits < node.first; });
  return after == nodes_.begin() ? nullptr : &*(after - 1);
}

bool AddressTable::contains(const config::IpAddress& ip) const {
  bool found = false;
  visit(ip, [&](uint32_t) { found = true; });
  return found;
}

}  // namespace weir::routing
