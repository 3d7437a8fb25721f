// Which of many address blocks hold an address? One binary search and a walk up, whatever their number.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "config/config.h"

namespace weir::routing {

/// Filled, sealed, then immutable. Blocks are nested or apart, never crossing: those that hold an address
/// are the last one that begins at or before it, or blocks around that one (compare PrefixTable).
class AddressTable {
 public:
  static constexpr uint32_t kNobody = ~uint32_t{0};

  /// Adds a block that is not in the table yet; bits behind its length are ignored.
  void add(const config::Cidr& block, uint32_t number);
  void seal();
  bool empty() const { return nodes_.empty(); }
  bool contains(const config::IpAddress& ip) const;

  /// Calls `visit(number)` for each block that holds `ip`, the smallest first.
  template <class Visit>
  void visit(const config::IpAddress& ip, Visit visit) const {
    for (const Node* node = last_before(ip); node != nullptr; node = parent(*node)) {
      if (node->holds(bits_of(ip))) visit(node->number);
    }
  }

 private:
  __extension__ using Bits = unsigned __int128;
  struct Node {
    Bits first, mask;
    uint32_t number;
    uint32_t parent;  // index of the smallest block around this one, or kNobody
    bool holds(Bits ip) const { return (ip & mask) == first; }
  };
  static Bits bits_of(const config::IpAddress& ip);
  const Node* last_before(const config::IpAddress& ip) const;
  const Node* parent(const Node& node) const { return node.parent == kNobody ? nullptr : &nodes_[node.parent]; }

  std::vector<Node> nodes_;
};

}  // namespace weir::routing
