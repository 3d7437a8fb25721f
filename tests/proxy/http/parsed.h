// Heads for tests: parsed from text that lives as long as they do.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "proxy/http/head.h"

namespace weir::http {

/// A request whose head is whole and right.
struct Request {
  explicit Request(std::string bytes) : text(std::move(bytes)) {
    EXPECT_EQ(parse_request(text, {}, head).state, Parsed::complete) << text;
  }
  Request(const Request&) = delete;
  std::string text;
  RequestHead head;
};

struct Response {
  explicit Response(std::string bytes) : text(std::move(bytes)) {
    EXPECT_EQ(parse_response(text, {}, head).state, Parsed::complete) << text;
  }
  Response(const Response&) = delete;
  std::string text;
  ResponseHead head;
};

}  // namespace weir::http
