#include "proxy/net/proxy_protocol.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir::net {
namespace {

using State = ProxyHeader::State;
using namespace std::string_literals;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string binary(char command, char family, const std::string& payload) {
  std::string out = kSignature;
  out += {command, family, static_cast<char>(payload.size() >> 8), static_cast<char>(payload.size() & 0xff)};
  return out + payload;
}

const std::string kV4 = "\x01\x02\x03\x04\x05\x06\x07\x08\x00\x50\x01\xbb"s;
const std::string kV6 =
    "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x07"s + std::string(16, '\0') + "\0\x50\x01\xbb"s;

struct Right {
  std::string header;
  const char* source;  // null: the connection's own address stands
};

const std::vector<Right> kRight = {
    {"PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n", "1.2.3.4"},
    {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255"},
    {"PROXY TCP6 2001:db8::7 ::1 0 1\r\n", "2001:db8::7"},
    {"PROXY UNKNOWN\r\n", nullptr},
    {"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", nullptr},
    {binary('\x21', '\x11', kV4), "1.2.3.4"},
    {binary('\x21', '\x21', kV6), "2001:db8::7"},
    {binary('\x21', '\x11',
            kV4 + "\x04\x00\x03"
                  "abc"s),
     "1.2.3.4"},                          // a TLV behind the addresses
    {binary('\x20', '\0', ""), nullptr},  // LOCAL: the balancer's own probe
    {binary('\x20', '\x11', kV4), nullptr},
    {binary('\x21', '\0', ""), nullptr},                       // UNSPEC
    {binary('\x21', '\x31', std::string(216, 'u')), nullptr},  // unix
};

TEST(ProxyProtocol, ARightHeaderIsReadAndWhatStandsBehindIsLeft) {
  for (const Right& right : kRight) {
    const ProxyHeader header = read_proxy_header(right.header + "GET / HTTP/1.1\r\n");
    ASSERT_EQ(header.state, State::complete) << right.header;
    EXPECT_EQ(header.size, right.header.size());
    ASSERT_EQ(header.source.has_value(), right.source != nullptr) << right.header;
    if (right.source) {
      EXPECT_EQ(header.source, config::parse_ip(right.source));
    }
  }
}

TEST(ProxyProtocol, ARightHeaderCutAnywhereIsPartial) {
  for (const Right& right : kRight) {
    for (size_t cut = 0; cut < right.header.size(); ++cut) {
      ASSERT_EQ(read_proxy_header(right.header.substr(0, cut)).state, State::partial) << cut << " of " << right.header;
    }
  }
}

TEST(ProxyProtocol, AWrongHeaderIsRefused) {
  const std::vector<std::string> wrong = {
      "GET / HTTP/1.1\r\n",
      "proxy TCP4 1.2.3.4 5.6.7.8 80 443\r\n",
      "PROXY\r\n",
      "PROXY TCP5 1.2.3.4 5.6.7.8 80 443\r\n",
      "PROXY TCP4\r\n",
      "PROXY TCP4 1.2.3.4 5.6.7.8 80\r\n",
      "PROXY TCP4 1.2.3.4 5.6.7.8 80 443 1\r\n",
      "PROXY TCP4  1.2.3.4 5.6.7.8 80 443\r\n",
      "PROXY TCP4 1.2.3.4 5.6.7.8 80 65536\r\n",
      "PROXY TCP4 1.2.3.4 5.6.7.8 80 -1\r\n",
      "PROXY TCP4 1.2.3.4 5.6.7.8 80 4a\r\n",
      "PROXY TCP4 1.2.3.999 5.6.7.8 80 443\r\n",
      "PROXY TCP4 ::1 ::1 80 443\r\n",
      "PROXY TCP6 1.2.3.4 5.6.7.8 80 443\r\n",
      "PROXY TCP6 ::1 5.6.7.8 80 443\r\n",
      "PROXY UNKNOWN" + std::string(100, ' ') + "\r\n",  // longer than 107 bytes
      "\r\nGET / HTTP/1.1\r\n",
      binary('\x11', '\x11', kV4),  // version 1 in a binary header
      binary('\x22', '\x11', kV4),  // no such command
      binary('\x21', '\x11', kV4.substr(1)),
      binary('\x21', '\x21', kV6.substr(1)),
      binary('\x21', '\x11', std::string(5000, 'x')),
  };
  for (const std::string& header : wrong) EXPECT_EQ(read_proxy_header(header).state, State::malformed) << header;
}

TEST(ProxyProtocol, ALineWithoutEndIsGivenUp) {
  EXPECT_EQ(read_proxy_header("PROXY TCP4 " + std::string(95, '1')).state, State::partial);
  EXPECT_EQ(read_proxy_header("PROXY TCP4 " + std::string(96, '1')).state, State::malformed);
}

TEST(ProxyProtocol, ADualStackBalancerNamesV4AddressesAsTcp6) {
  const std::string line = "PROXY TCP6 ::ffff:1.2.3.4 ::ffff:5.6.7.8 1 2\r\n";
  EXPECT_EQ(read_proxy_header(line).state, ProxyHeader::State::complete);
}

}  // namespace
}  // namespace weir::net
