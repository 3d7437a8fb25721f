#include <gtest/gtest.h>

#include "config/config.h"

namespace weir::config {
namespace {

std::string canonical(std::string_view text) {
  const auto ip = parse_ip(text);
  return ip ? ip->text() : "none";
}

TEST(Ip, IsShownAsRfc5952Says) {
  const std::pair<const char*, const char*> cases[] = {
      {"192.0.2.1", "192.0.2.1"},
      {"0.0.0.0", "0.0.0.0"},
      {"2001:DB8::1", "2001:db8::1"},
      {"2001:0db8:0000:0000:0000:0000:0002:0001", "2001:db8::2:1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // a single zero group stays
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},           // the longest run
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},     // of two the first
      {"::", "::"},
      {"::1", "::1"},
      {"1::", "1::"},
      {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
      {"0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"},
      {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
      {"::ffff:192.0.2.1", "192.0.2.1"},
      {"::ffff:c000:201", "192.0.2.1"},
      {"::c000:201", "::c000:201"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"fe80::a0:0:0:b", "fe80::a0:0:0:b"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(canonical(text), expected) << text;
}

TEST(Ip, OtherTextsAreNone) {
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "[::1]", "::1%eth0",
                           ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "g::1", "localhost", "1.2.3.4/8", "12345::1"}) {
    EXPECT_FALSE(parse_ip(text)) << text;
  }
  EXPECT_FALSE(parse_ip(std::string_view("::1\0", 4)));
}

TEST(Ip, V4IsHeldMappedAndKnowsIt) {
  EXPECT_TRUE(parse_ip("192.0.2.1")->is_v4());
  EXPECT_TRUE(parse_ip("::ffff:192.0.2.1")->is_v4());
  EXPECT_FALSE(parse_ip("::1")->is_v4());
  EXPECT_EQ(*parse_ip("192.0.2.1"), *parse_ip("::ffff:192.0.2.1"));
}

TEST(Cidr, CountsBitsOfTheLongForm) {
  EXPECT_EQ(parse_cidr("192.0.2.0/24")->length, 120);
  EXPECT_EQ(parse_cidr("192.0.2.1")->length, 128);
  EXPECT_EQ(parse_cidr("0.0.0.0/0")->length, 96);
  EXPECT_EQ(parse_cidr("2001:db8::/32")->length, 32);
  EXPECT_EQ(parse_cidr("::/0")->length, 0);
}

TEST(Cidr, BitsOfTheHostAreCleared) {
  EXPECT_EQ(parse_cidr("192.0.2.77/24"), parse_cidr("192.0.2.0/24"));
  EXPECT_EQ(parse_cidr("2001:db8:ff::1/33"), parse_cidr("2001:db8::/33"));
  EXPECT_EQ(parse_cidr("10.255.0.0/9")->address.text(), "10.128.0.0");
}

TEST(Cidr, ContainsItsAddressesAndNoOthers) {
  struct Case {
    const char *block, *inside, *outside;
  };
  const Case cases[] = {
      {"192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
      {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
      {"192.0.2.8/29", "192.0.2.15", "192.0.2.16"},
      {"192.0.2.1", "192.0.2.1", "192.0.2.2"},
      {"0.0.0.0/0", "203.0.113.9", "2001:db8::1"},
      {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
      {"2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"},
      {"::1", "::1", "::2"},
  };
  for (const auto& [block, inside, outside] : cases) {
    EXPECT_TRUE(parse_cidr(block)->contains(*parse_ip(inside))) << block << " " << inside;
    EXPECT_FALSE(parse_cidr(block)->contains(*parse_ip(outside))) << block << " " << outside;
  }
  EXPECT_TRUE(parse_cidr("::/0")->contains(*parse_ip("192.0.2.1")));
}

TEST(Cidr, OtherTextsAreNone) {
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8/8", "::/129",
                           "10.0.0.0/ 8", "10.0.0.0/8x", "host/8", "10/8"}) {
    EXPECT_FALSE(parse_cidr(text)) << text;
  }
}

}  // namespace
}  // namespace weir::config
