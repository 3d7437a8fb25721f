#include <gtest/gtest.h>

#include "config/config.h"

namespace weir::config {
namespace {

TEST(Address, OfAHostAndItsPort) {
  struct Case {
    const char *text, *host;
    int port;
  };
  const Case cases[] = {
      {"0.0.0.0:8080", "0.0.0.0", 8080},
      {"127.0.0.1:0", "127.0.0.1", 0},
      {"localhost:1", "localhost", 1},
      {"[::]:443", "::", 443},
      {"[2001:db8::1]:65535", "2001:db8::1", 65535},
      {"my_app.internal:80", "my_app.internal", 80},
      {"a-b.c:80", "a-b.c", 80},
      {"1and1.example:80", "1and1.example", 80},
  };
  for (const auto& [text, host, port] : cases) {
    const auto address = parse_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->kind, Address::Kind::host_port);
    EXPECT_EQ(address->host, host);
    EXPECT_EQ(address->port, port);
    EXPECT_EQ(address->text, text);
  }
}

TEST(Address, OfAUnixSocket) {
  const auto address = parse_address("unix:/run/weir/edge.sock");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->kind, Address::Kind::unix_path);
  EXPECT_EQ(address->path, "/run/weir/edge.sock");
  EXPECT_EQ(address->text, "unix:/run/weir/edge.sock");
}

TEST(Address, OfASocketThatSystemdOpened) {
  const auto address = parse_address("systemd:http-1");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->kind, Address::Kind::passed);
  EXPECT_EQ(address->host, "http-1");
  EXPECT_EQ(address->text, "systemd:http-1");
  for (const char* text : {"systemd:", "systemd:a:80", "systemd:.a", "systemd:-a", "systemd:a b", "Systemd:a"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
}

TEST(Address, OfAUnixSocketIsNoLongerThanTheKernelTakes) {
  EXPECT_TRUE(parse_address("unix:/" + std::string(106, 'x')));
  EXPECT_FALSE(parse_address("unix:/" + std::string(107, 'x')));
}

TEST(Address, OtherTextsAreNone) {
  for (const char* text : {"",
                           ":80",
                           "*:80",
                           "host",
                           "host:",
                           "host:x",
                           "host:65536",
                           "host:080",
                           "host:-1",
                           "host:+1",
                           "host: 80",
                           "::1:80",
                           "[::1]",
                           "[]:80",
                           "[127.0.0.1]:80",
                           "[::1%lo]:80",
                           "1.2.3.256:80",
                           "1.2.3:80",
                           "host.:80",
                           ".host:80",
                           "-a:80",
                           "a-:80",
                           "a..b:80",
                           "a b:80",
                           "http://a:80",
                           "unix:",
                           "unix:/",
                           "unix:x",
                           "unix:@x",
                           "user@host:80"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
  EXPECT_FALSE(parse_address(std::string(64, 'a') + ":80")) << "a label is at most 63 long";
}

}  // namespace
}  // namespace weir::config
