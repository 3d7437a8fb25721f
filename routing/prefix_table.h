// Which of many prefixes does a text begin with? One binary search and a walk up, whatever their number.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::routing {

/// Filled, sealed, then immutable. Every prefix that a text begins with is the last one sorted at or before
/// the text, or one of those that this one itself begins with: so each prefix remembers the longest of the
/// others that it begins with, and asking is a search and a walk up this chain.
class PrefixTable {
 public:
  static constexpr uint32_t kNobody = ~uint32_t{0};

  /// Adds a prefix that is not in the table yet.
  void add(std::string_view prefix, uint32_t number) { nodes_.push_back({std::string(prefix), number, kNobody}); }
  /// The number of exactly this prefix, or kNobody; before or after sealing.
  uint32_t find(std::string_view prefix) const;
  void seal();
  bool empty() const { return nodes_.empty(); }

  /// Calls `visit(prefix, number)` for each prefix of `text`, the longest first, until it returns true.
  template <class Visit>
  void visit(std::string_view text, Visit visit) const {
    auto after = std::upper_bound(nodes_.begin(), nodes_.end(), text,
                                  [](std::string_view t, const Node& node) { return t < node.text; });
    if (after == nodes_.begin()) return;
    const Node* node = &*--after;
    const size_t shared = shared_bytes(node->text, text);
    for (;;) {
      if (node->text.size() <= shared && visit(std::string_view(node->text), node->number)) return;
      if (node->parent == kNobody) return;
      node = &nodes_[node->parent];
    }
  }

 private:
  struct Node {
    std::string text;
    uint32_t number;
    uint32_t parent;  // index of the longest other prefix of `text`, or kNobody
  };
  static size_t shared_bytes(std::string_view a, std::string_view b) {
    return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  }
  std::vector<Node> nodes_;
};

}  // namespace weir::routing
