#include "proxy/log/line.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace weir::log {
namespace {

using namespace std::chrono_literals;

Line some_line() {
  return {.time = 1794042487s + 45ms,
          .request_id = "5eb63bbbe01eeed093cb22bb8f5acdc3",
          .client = "192.0.2.7",
          .method = "GET",
          .host = "shop.example",
          .path = "/cart",
          .referer = "http://shop.example/",
          .agent = "curl/7.88",
          .minor = 1,
          .status = 200,
          .bytes_in = 0,
          .bytes_out = 256,
          .service = "shop",
          .version = "new",
          .revision = 7,
          .decided_by = "split",
          .rule = "",
          .bucket = 66771,
          .endpoint = "127.0.0.1:9002",
          .error = "",
          .tries = 1,
          .duration = 1'234'567ns,
          .upstream_duration = 2s + 600ns};
}

TEST(LogLine, IsOneJsonObjectWithEverything) {
  std::string out = "before\n";
  write_json(out, some_line());
  EXPECT_EQ(
      out,
      "before\n"
      R"({"time":"2026-11-07T09:08:07.045Z","request_id":"5eb63bbbe01eeed093cb22bb8f5acdc3","client":"192.0.2.7",)"
      R"("method":"GET","host":"shop.example","path":"/cart","protocol":"HTTP/1.1","status":200,"bytes_in":0,)"
      R"("bytes_out":256,"service":"shop","version":"new","revision":7,"decided_by":"split","rule":"",)"
      R"("bucket":66771,"endpoint":"127.0.0.1:9002","error":"","tries":1,"duration":0.001235,)"
      R"("upstream_duration":2.000001})"
      "\n");
}

TEST(LogLine, WhateverAClientSendsStaysOneStringOfOneLine) {
  std::string every;
  for (int c = 0; c < 256; ++c) every.push_back(static_cast<char>(c));
  for (const size_t times : {1u, 40u}) {
    Line line = some_line();
    std::string path;
    for (size_t i = 0; i < times; ++i) path += every;
    line.path = path;
    line.bucket.reset();
    std::string out;
    write_json(out, line);
    ASSERT_EQ(out.find('\n'), out.size() - 1);
    const boost::json::object read = boost::json::parse(out).as_object();
    std::string latin;  // what the escapes stand for
    for (size_t i = 0; i < times; ++i) {
      for (unsigned c = 0; c < 256; ++c) {
        if (c >= 0x80) latin.push_back(static_cast<char>(0xc0 | c >> 6));
        latin.push_back(static_cast<char>(c >= 0x80 ? 0x80 | (c & 0x3f) : c));
      }
    }
    EXPECT_EQ(read.at("path").as_string(), latin);
    EXPECT_TRUE(read.at("bucket").is_null());
    EXPECT_EQ(read.at("host").as_string(), "shop.example");
  }
}

TEST(LogLine, CombinedIsAsNginxWritesIt) {
  Line line = some_line();
  line.path = "/a\"b\\\n";
  line.agent = "";
  std::string out;
  write_combined(out, line);
  EXPECT_EQ(
      out,
      R"(192.0.2.7 - - [07/Nov/2026:09:08:07 +0000] "GET /a\x22b\x5C\x0A HTTP/1.1" 200 256 "http://shop.example/" "-")"
      "\n");
  line.status = 0;
  out.clear();
  write_combined(out, line);
  EXPECT_NE(out.find(" 499 "), std::string::npos);
}

}  // namespace
}  // namespace weir::log
