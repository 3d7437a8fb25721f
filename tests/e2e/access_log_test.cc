// The access log: one line an exchange, with what contract §7 names and nothing that names a user.
#include <fmt/format.h>
#include <signal.h>

#include <boost/json.hpp>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>

#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

namespace json = boost::json;

/// weir with both versions and an access log in a directory of its own.
class Logged {
 public:
  explicit Logged(const std::string& format, ConfigText config = {}) : old_origin("old"), new_origin("new") {
    config.old_endpoints = {old_origin.address()};
    config.new_endpoints = {new_origin.address()};
    config.top.push_back(fmt::format("access_log: {{ path: {}, format: {} }}", path(), format));
    weir = weir_with(std::move(config));
  }

  std::string path() const { return directory / "access.log"; }
  /// Waits for that many lines.
  std::vector<std::string> lines(size_t count) const {
    std::vector<std::string> all;
    wait_until([&] {
      all.clear();
      std::istringstream text(read_file(path()));
      for (std::string line; std::getline(text, line);) all.push_back(line);
      return all.size() >= count;
    });
    EXPECT_EQ(all.size(), count) << read_file(path());
    all.resize(count);
    return all;
  }
  json::object line() const { return json::parse(lines(1)[0]).as_object(); }

  Directory directory;
  Origin old_origin, new_origin;
  std::unique_ptr<Weir> weir;
};

TEST(JsonLog, ALineTellsAllOfAnExchange) {
  Logged logged("json", {.share = "10%", .salt = "checkout-2026-11"});
  std::string request =
      "POST /a/b?x=1 HTTP/1.1\r\nHost: shop.example\r\nCookie: uid=7f3a9c2e\r\nContent-Length: 5\r\n\r\nhello";
  ASSERT_EQ(fetch(logged.weir->edge(), request, "POST").body, "new");
  json::object line = logged.line();
  for (const char* name : {"time",   "request_id", "client",    "method",  "host",    "path",     "protocol",
                           "status", "bytes_in",   "bytes_out", "service", "version", "revision", "decided_by",
                           "rule",   "bucket",     "endpoint",  "error",   "tries",   "duration", "upstream_duration"})
    EXPECT_TRUE(line.contains(name)) << name;
  EXPECT_EQ(line.at("client"), "127.0.0.1");
  EXPECT_EQ(line.at("method"), "POST");
  EXPECT_EQ(line.at("host"), "shop.example");
  EXPECT_TRUE(line.at("path").as_string().starts_with("/a/b"));
  EXPECT_EQ(line.at("protocol"), "HTTP/1.1");
  EXPECT_EQ(line.at("status"), 200);
  EXPECT_EQ(line.at("bytes_in"), 5);
  EXPECT_EQ(line.at("bytes_out"), 3);
  EXPECT_EQ(line.at("service"), "shop");
  EXPECT_EQ(line.at("version"), "new");
  EXPECT_EQ(line.at("revision"), 1);
  EXPECT_EQ(line.at("decided_by"), "split");
  EXPECT_EQ(line.at("bucket"), 66771);
  EXPECT_EQ(line.at("endpoint").as_string(), logged.new_origin.address());
  EXPECT_EQ(line.at("tries"), 1);
  EXPECT_GT(line.at("duration").to_number<double>(), 0);
  EXPECT_LT(line.at("duration").to_number<double>(), 5);
  EXPECT_GT(line.at("upstream_duration").to_number<double>(), 0);
  EXPECT_EQ(line.at("request_id").as_string(), logged.new_origin.requests()[0].fields.get("X-Request-Id"));
}

TEST(JsonLog, ARulesNameIsTold) {
  Logged logged("json", {.rules = {R"({ name: staff, when: { header: { X-Staff: "1" } }, send: new })"}});
  fetch(logged.weir->edge(), get("/", "shop.example", "X-Staff: 1\r\n"));
  json::object line = logged.line();
  EXPECT_EQ(line.at("decided_by"), "rule");
  EXPECT_EQ(line.at("rule"), "staff");
  EXPECT_EQ(line.at("version"), "new");
}

TEST(JsonLog, AFaultIsTold) {
  Logged logged("json");
  logged.old_origin.stop();
  int status = fetch(logged.weir->edge(), get("/")).status;
  json::object line = logged.line();
  EXPECT_EQ(line.at("status"), status);
  EXPECT_EQ(line.at("error"), "connection_refused");
  EXPECT_GE(line.at("tries").as_int64(), 1);
}

TEST(JsonLog, WhatAClientWritesCannotBreakALine) {
  Logged logged("json");
  fetch(logged.weir->edge(), get("/\"\\{}\xff?a=\"b", "shop.example", "User-Agent: \"\\\t\xe9\r\n"));
  EXPECT_EQ(logged.line().at("status"), 200);
}

TEST(JsonLog, WhatReachesNoServiceIsThereToo) {
  Logged logged("json", {.service = {"match: [{ host: shop.example }]"}});
  EXPECT_EQ(fetch(logged.weir->edge(), get("/", "other.example")).status, 404);
  EXPECT_EQ(logged.line().at("status"), 404);
}

TEST(JsonLog, EveryExchangeHasOneLine) {
  Logged logged("json", {.workers = 2});
  for (int c = 0; c < 10; ++c) {
    Client client(logged.weir->edge());
    for (int i = 0; i < 50; ++i) {
      client.send(get("/"));
      ASSERT_EQ(client.receive().status, 200);
    }
  }
  std::set<std::string> ids;
  for (const std::string& line : logged.lines(500))
    ids.insert(std::string(json::parse(line).at("request_id").as_string()));
  EXPECT_EQ(ids.size(), 500u);
}

TEST(CombinedLog, IsTheFormOfNginx) {
  Logged logged("combined");
  fetch(logged.weir->edge(), get("/a?b=c", "shop.example", "Referer: http://x/\r\nUser-Agent: t/1 \"q\"\r\n"));
  std::string line = logged.lines(1)[0];
  std::regex form(R"re(127\.0\.0\.1 - - \[\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] )re"
                  R"re("GET /a(\?b=c)? HTTP/1\.1" 200 3 "http://x/" "t/1 .*q.*")re");
  EXPECT_TRUE(std::regex_match(line, form)) << line;
}

TEST(CombinedLog, SaysADashForWhatIsAbsent) {
  Logged logged("combined");
  fetch(logged.weir->edge(), get("/"));
  EXPECT_TRUE(logged.lines(1)[0].ends_with("\"GET / HTTP/1.1\" 200 3 \"-\" \"-\"")) << logged.lines(1)[0];
}

class CohortKeys : public ::testing::TestWithParam<Named> {};

TEST_P(CohortKeys, AppearNowhere) {
  Logged logged(GetParam().text, {.share = "50%", .keys = {"query:uid", "cookie:uid", "header:X-User-Id"}});
  for (const char* target : {"/a?uid=sEcReT", "/a?x=1&uid=sEcReT&y=2", "/a"})
    EXPECT_EQ(
        fetch(logged.weir->edge(), get(target, "shop.example", "Cookie: uid=sEcReT\r\nX-User-Id: sEcReT\r\n")).status,
        200);
  logged.lines(3);
  EXPECT_EQ(read_file(logged.path()).find("sEcReT"), std::string::npos) << read_file(logged.path());
  EXPECT_EQ(logged.weir->admin_get("/metrics").body.find("sEcReT"), std::string::npos);
  EXPECT_EQ(logged.weir->log().find("sEcReT"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Formats, CohortKeys, ::testing::Values(Named{"Json", "json"}, Named{"Combined", "combined"}),
                         name_of_named);

TEST(Log, IsReopenedByUsr1) {
  Logged logged("json");
  fetch(logged.weir->edge(), get("/before"));
  logged.lines(1);
  std::filesystem::rename(logged.path(), logged.directory / "access.log.1");
  logged.weir->program().signal(SIGUSR1);
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(logged.path()); }));
  fetch(logged.weir->edge(), get("/after"));
  EXPECT_NE(logged.lines(1)[0].find("/after"), std::string::npos);
  EXPECT_NE(read_file(logged.directory / "access.log.1").find("/before"), std::string::npos);
}

TEST(Log, GoesToStandardOutputForADash) {
  Origin origin;
  auto weir = weir_with({.old_endpoints = {origin.address()}, .top = {"access_log: { path: \"-\" }"}});
  fetch(weir->edge(), get("/seen"));
  EXPECT_TRUE(weir->program().wait_for_text("/seen"));
  EXPECT_NE(weir->program().output().find("/seen"), std::string::npos);
}

TEST(Log, OfEveryExchangeIsWrittenBeforeTheProgramEnds) {
  Logged logged("json");
  Client client(logged.weir->edge());
  for (int i = 0; i < 100; ++i) {
    client.send(get("/"));
    ASSERT_EQ(client.receive().status, 200);
  }
  logged.weir->program().signal(SIGTERM);
  ASSERT_TRUE(logged.weir->program().wait());
  EXPECT_EQ(logged.lines(100).size(), 100u);
}

}  // namespace
}  // namespace weir::testing
