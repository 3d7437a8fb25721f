#include "proxy/http/target.h"

#include <gtest/gtest.h>

#include "tests/proxy/http/parsed.h"

namespace weir::http {
namespace {

std::string request(const std::string& line, const std::string& fields = "Host: a.example\r\n") {
  return line + " HTTP/1.1\r\n" + fields + "\r\n";
}

TEST(Target, IsReadInEveryFormThatAnOriginMayGet) {
  const struct {
    std::string line;
    const char *host, *path, *query, *forwarded;
    bool replaces_host;
  } kTable[] = {
      {"GET /", "a.example", "/", "", "/", false},
      {"GET /a/../b//c%2F%7e;x=1", "a.example", "/a/../b//c%2F%7e;x=1", "", "/a/../b//c%2F%7e;x=1", false},
      {"GET /a?b=c?d=/e", "a.example", "/a", "b=c?d=/e", "/a?b=c?d=/e", false},
      {"GET /a?", "a.example", "/a", "", "/a?", false},
      {"GET //evil.example/a", "a.example", "//evil.example/a", "", "//evil.example/a", false},
      {"OPTIONS *", "a.example", "*", "", "*", false},
      {"GET http://b.example/x?y", "b.example", "/x", "y", "/x?y", true},
      {"GET HTTPS://b.example:8443/x", "b.example:8443", "/x", "", "/x", true},
      {"GET http://b.example", "b.example", "/", "", "/", true},
      {"GET http://b.example?q=1", "b.example", "/", "q=1", "?q=1", true},
      {"GET http://[::1]:80/", "[::1]:80", "/", "", "/", true},
  };
  for (const auto& row : kTable) {
    const Request parsed(request(row.line));
    const Target target = read_target(parsed.head);
    EXPECT_EQ(target.fault, Fault::none) << row.line;
    EXPECT_EQ(target.host, row.host) << row.line;
    EXPECT_EQ(target.path, row.path) << row.line;
    EXPECT_EQ(target.query, row.query) << row.line;
    EXPECT_EQ(target.forwarded, row.forwarded) << row.line;
    EXPECT_EQ(target.replaces_host, row.replaces_host) << row.line;
  }
}

TEST(Target, WhatNoOriginMayGetIsRefused) {
  const std::pair<std::string, Fault> kTable[] = {
      {"CONNECT a.example:443", Fault::method_refused},
      {"TRACE /", Fault::method_refused},
      {"GET *", Fault::malformed_request},
      {"GET foo", Fault::malformed_request},
      {"GET ?a", Fault::malformed_request},
      {"GET a.example:80", Fault::malformed_request},
      {"GET /a#b", Fault::malformed_request},
      {"GET http://b.example/#b", Fault::malformed_request},
      {"GET ftp://b.example/", Fault::malformed_request},
      {"GET http:/b.example/", Fault::malformed_request},
      {"GET http:///x", Fault::malformed_request},
      {"GET http://u@b.example/", Fault::malformed_request},
      {"GET http://b.example:x/", Fault::malformed_request},
  };
  for (const auto& [line, fault] : kTable) {
    const Request parsed(request(line));
    EXPECT_EQ(read_target(parsed.head).fault, fault) << line;
  }
}

TEST(Target, OneValidHostIsAskedForAndOnlyHttp10MayLackIt) {
  const std::pair<std::string, Fault> kTable[] = {
      {"Host: a\r\n", Fault::none},
      {"Host:\r\n", Fault::none},
      {"", Fault::malformed_request},
      {"Host: a\r\nHost: a\r\n", Fault::malformed_request},
      {"Host: a\r\nX: y\r\nhost: b\r\n", Fault::malformed_request},
      {"Host: a b\r\n", Fault::malformed_request},
      {"Host: a/b\r\n", Fault::malformed_request},
  };
  for (const auto& [fields, fault] : kTable) {
    const Request parsed(request("GET /", fields));
    EXPECT_EQ(read_target(parsed.head).fault, fault) << fields;
    const Request absolute(request("GET http://c.example/", fields));
    EXPECT_EQ(read_target(absolute.head).fault, fault) << "in absolute form too: " << fields;
  }
  const Request old("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(read_target(old.head).fault, Fault::none);
}

TEST(ValidHost, IsARegisteredNameOrAnAddressWithAPortOrWithout) {
  for (const char* right : {"", "a", "a.example", "A.EXAMPLE.", "a:80", "a:", "127.0.0.1:8080", "[::1]",
                            "[2001:db8::1]:443", "[::1]:", "xn--bcher-kva.example", "a_b", "a%20b", "*.a"}) {
    EXPECT_TRUE(valid_host(right)) << right;
  }
  for (const char* wrong : {":80",       "a:b",    "a:80:90", "a:123456", "a:-1",           "::1",  "[::1", "::1]",
                            "[1.2.3.4]", "[::1]x", "[::1]:x", "[]",       "[fe80::1%eth0]", "a b",  "a/b",  "a@b",
                            "a?b",       "a#b",    "a\\b",    "a\"b",     "b\xc3\xbc",      "a\tb", "<a>"}) {
    EXPECT_FALSE(valid_host(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace weir::http
