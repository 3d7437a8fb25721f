// Writes a small MaxMind DB (format 2.0) from networks and country codes; Debian ships none to test with.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "config/config.h"

namespace weir::routing {

/// Builds the binary tree of an IPv6 database with IPv4 under ::/96, each leaf `{country: {iso_code: CODE}}`.
class MmdbWriter {
 public:
  void add(const std::string& block, const std::string& country) {
    const config::Cidr cidr = config::parse_cidr(block).value();
    config::IpAddress ip = cidr.address;
    if (ip.is_v4()) std::fill(ip.bytes.begin(), ip.bytes.begin() + 12, 0);  // the format has IPv4 under ::/96
    size_t node = 0;
    for (int bit = 0; bit < cidr.length; ++bit) {
      const size_t side = ip.bytes[static_cast<size_t>(bit / 8)] >> (7 - bit % 8) & 1;
      if (bit == cidr.length - 1) {
        nodes_[node].leaf[side] = static_cast<int>(data_.size());
        break;
      }
      if (nodes_[node].child[side] == 0) {
        nodes_[node].child[side] = nodes_.size();
        nodes_.emplace_back();
      }
      node = nodes_[node].child[side];
    }
    data_ += map(1) + text("country") + map(1) + text("iso_code") + text(country);
  }

  void write(const std::string& path) const {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    for (const Node& node : nodes_) file << record(node, 0) << record(node, 1);
    file << std::string(16, '\0') << data_ << "\xab\xcd\xef"
         << "MaxMind.com" << metadata();
  }

 private:
  struct Node {
    size_t child[2] = {0, 0};
    int leaf[2] = {-1, -1};
  };
  static std::string text(const std::string& text) { return char(0x40 | text.size()) + text; }
  static std::string map(int entries) { return std::string(1, char(0xe0 | entries)); }
  static std::string number(char type_and_size, uint64_t value, int bytes) {
    std::string out(1, type_and_size);
    for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> 8 * i);
    return out;
  }

  /// 32 bits: a node, the number of nodes for "nothing", or what lies behind that for data.
  std::string record(const Node& node, int side) const {
    size_t value = nodes_.size();
    if (node.leaf[side] >= 0) value = nodes_.size() + 16 + static_cast<size_t>(node.leaf[side]);
    if (node.child[side] != 0) value = node.child[side];
    return number(0, value, 4).substr(1);
  }

  std::string metadata() const {
    constexpr char kUint16 = char(0xa2), kUint32 = char(0xc4);
    const std::string empty_array{char(0x00), char(0x04)};
    const std::string build_epoch = std::string{char(0x08), char(0x02)} + number(0, 1'800'000'000, 8).substr(1);
    return map(9) + text("node_count") + number(kUint32, nodes_.size(), 4) + text("record_size") +
           number(kUint16, 32, 2) + text("ip_version") + number(kUint16, 6, 2) + text("database_type") +
           text("Test-Country") + text("languages") + empty_array + text("binary_format_major_version") +
           number(kUint16, 2, 2) + text("binary_format_minor_version") + number(kUint16, 0, 2) + text("build_epoch") +
           build_epoch + text("description") + map(0);
  }

  std::vector<Node> nodes_{1};
  std::string data_;
};

}  // namespace weir::routing
