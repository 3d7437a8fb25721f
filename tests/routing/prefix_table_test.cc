#include "routing/prefix_table.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "routing/address_table.h"

namespace weir::routing {
namespace {

std::vector<uint32_t> prefixes_of(const PrefixTable& table, std::string_view text) {
  std::vector<uint32_t> found;
  table.visit(text, [&](std::string_view, uint32_t number) {
    found.push_back(number);
    return false;
  });
  return found;
}

TEST(PrefixTable, TellsAllPrefixesTheLongestFirst) {
  PrefixTable table;
  uint32_t number = 0;
  for (const char* prefix : {"/api", "", "/api-x", "/api/v1", "/b"}) table.add(prefix, number++);
  table.seal();
  EXPECT_EQ(prefixes_of(table, "/api/v1/x"), (std::vector<uint32_t>{3, 0, 1}));
  EXPECT_EQ(prefixes_of(table, "/api/x"), (std::vector<uint32_t>{0, 1}));
  EXPECT_EQ(prefixes_of(table, "/a"), (std::vector<uint32_t>{1}));
  EXPECT_EQ(prefixes_of(table, ""), (std::vector<uint32_t>{1}));
}

TEST(PrefixTable, AgreesWithComparingOneByOne) {
  std::mt19937 random(11);
  const auto word = [&](size_t longest) {
    std::string text(random() % (longest + 1), 'a');
    for (char& c : text) c = "ab\xff"[random() % 3];
    return text;
  };
  for (int round = 0; round < 300; ++round) {
    std::set<std::string> prefixes;
    for (uint32_t i = random() % 20; i > 0; --i) prefixes.insert(word(5));
    PrefixTable table;
    const std::vector<std::string> in_order(prefixes.begin(), prefixes.end());
    for (uint32_t i = 0; i < in_order.size(); ++i) table.add(in_order[i], i);
    table.seal();
    for (int query = 0; query < 20; ++query) {
      const std::string text = word(8);
      std::vector<uint32_t> expected;
      for (uint32_t i = 0; i < in_order.size(); ++i) {
        if (text.starts_with(in_order[i])) expected.insert(expected.begin(), i);
      }
      EXPECT_EQ(prefixes_of(table, text), expected);
    }
  }
}

config::IpAddress random_ip(std::mt19937& random) {
  config::IpAddress ip;
  const bool v4 = random() % 2 == 0;
  if (v4) ip = config::parse_ip("0.0.0.0").value();
  for (size_t i = v4 ? 12 : 0; i < 16; ++i)
    ip.bytes[i] = static_cast<uint8_t>(random() % 4 == 0 ? random() : random() % 2);
  return ip;
}

TEST(AddressTable, AgreesWithAskingEachBlock) {
  std::mt19937 random(12);
  for (int round = 0; round < 300; ++round) {
    std::vector<config::Cidr> blocks;
    AddressTable table;
    for (uint32_t i = 0, n = random() % 20; i < n; ++i) {
      blocks.push_back({random_ip(random), static_cast<int>(random() % 129)});
      table.add(blocks.back(), i);
    }
    table.seal();
    for (int query = 0; query < 50; ++query) {
      const config::IpAddress ip = random_ip(random);
      std::set<uint32_t> expected, found;
      for (uint32_t i = 0; i < blocks.size(); ++i) {
        if (blocks[i].contains(ip)) expected.insert(i);
      }
      table.visit(ip, [&](uint32_t number) { found.insert(number); });
      EXPECT_EQ(found, expected);
      EXPECT_EQ(table.contains(ip), !expected.empty());
    }
  }
}

TEST(AddressTable, TheWholeOfIPv4HoldsNoIPv6Address) {
  AddressTable table;
  table.add(config::parse_cidr("0.0.0.0/0").value(), 0);
  table.seal();
  EXPECT_TRUE(table.contains(config::parse_ip("203.0.113.9").value()));
  EXPECT_FALSE(table.contains(config::parse_ip("2001:db8::1").value()));
}

}  // namespace
}  // namespace weir::routing
