#include "proxy/net/address.h"

#include <gtest/gtest.h>

namespace weir::net {
namespace {

TEST(SocketAddress, IsWrittenAsItIsConfigured) {
  const struct {
    const char* ip;
    uint16_t port;
    const char* text;
  } kTable[] = {
      {"127.0.0.1", 80, "127.0.0.1:80"},
      {"255.255.255.255", 65535, "255.255.255.255:65535"},
      {"::1", 8080, "[::1]:8080"},
      {"2001:db8::ff", 1, "[2001:db8::ff]:1"},
  };
  for (const auto& row : kTable) {
    const SocketAddress address = make_address(*config::parse_ip(row.ip), row.port);
    EXPECT_EQ(address.text(), row.text);
    EXPECT_EQ(address.port(), row.port);
    EXPECT_EQ(ip_of(address), config::parse_ip(row.ip));
  }
}

TEST(SocketAddress, OfAUnixPathHasNoIpAndNoPort) {
  config::Address written;
  written.kind = config::Address::Kind::unix_path;
  written.path = "/run/weir.sock";
  const auto address = literal_address(written);
  ASSERT_TRUE(address);
  EXPECT_EQ(address->text(), "unix:/run/weir.sock");
  EXPECT_EQ(address->port(), 0);
  EXPECT_FALSE(ip_of(*address));
}

TEST(SocketAddress, APathTooLongForTheKernelIsNoAddress) {
  config::Address written;
  written.kind = config::Address::Kind::unix_path;
  written.path = "/" + std::string(106, 'a');
  EXPECT_TRUE(literal_address(written));
  written.path += "a";
  EXPECT_FALSE(literal_address(written));
}

TEST(SocketAddress, ANameIsNoLiteral) {
  config::Address written;
  written.kind = config::Address::Kind::host_port;
  written.host = "origin.example";
  written.port = 80;
  EXPECT_FALSE(literal_address(written));
  written.host = "127.0.0.1";
  EXPECT_TRUE(literal_address(written));
}

TEST(SocketAddress, AreEqualByAddressAndPort) {
  const auto ip = *config::parse_ip("10.0.0.1");
  EXPECT_EQ(make_address(ip, 1), make_address(ip, 1));
  EXPECT_FALSE(make_address(ip, 1) == make_address(ip, 2));
  EXPECT_FALSE(make_address(ip, 1) == make_address(*config::parse_ip("10.0.0.2"), 1));
  EXPECT_FALSE(make_address(ip, 1) == make_address(*config::parse_ip("::1"), 1));
}

}  // namespace
}  // namespace weir::net
