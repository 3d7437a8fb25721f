#include "routing/explain.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/routing/given.h"

namespace weir::routing {
namespace {

Explanation explained(config::Service service, const Request& request, Availability available = {}) {
  const auto snapshot = compiled(std::move(service));
  const RequestView view = request.view();
  return explain(*snapshot, view, available, {.dice = 1, .identity_high = 1, .identity_low = 2});
}

config::Service shop_with_rules() {
  config::Service service = shop();
  service.rules = {send_rule("staff", header_is("X-Staff", "1"), "new"),
                   send_rule("bots", header_is("User-Agent", "(?i)bot|crawler", Is::regex), "old"),
                   split_rule("half", header_is("X-Half", "a", Is::prefix), 500'000)};
  return service;
}

TEST(Explain, SaysItInOneLine) {
  const config::Service service = shop_with_rules();
  EXPECT_EQ(explained(service, with_cookie("uid=7f3a9c2e")).text(),
            "shop · no rule matches (3 tried) · cookie:uid → bucket 66771 < 100000 (10%) → new, 127.0.0.1:9002");
  EXPECT_EQ(explained(service, with_cookie("uid=user-1")).text(),
            "shop · no rule matches (3 tried) · cookie:uid → bucket 370301 ≥ 100000 (10%) → old, 127.0.0.1:9001");
  EXPECT_EQ(explained(service, with_header("X-Staff", "1")).text(), "shop · rule staff → new, 127.0.0.1:9002");
  EXPECT_EQ(explained(service, with_header("User-Agent", "a bot")).text(),
            "shop · rule bots (2 tried) → old, 127.0.0.1:9001");
  Request half = with_cookie("uid=user-1");
  half.headers.emplace_back("X-Half", "abc");
  EXPECT_EQ(explained(service, half).text(),
            "shop · rule half (3 tried) · cookie:uid → bucket 370301 < 500000 (50%) → new, 127.0.0.1:9002");
  EXPECT_EQ(explained(shop(), Request{}).text(), "shop · no key, without_key: stable → old, 127.0.0.1:9001");
}

TEST(Explain, SaysWhatStandsInForAKey) {
  config::Service service = shop(1'000'000);
  service.cohort.without_key = config::WithoutKey::random;
  EXPECT_EQ(explained(service, Request{}).text(),
            "shop · no key, at random → bucket 0 < 1000000 (100%) → new, 127.0.0.1:9002");
  service.cohort.without_key = config::WithoutKey::mint;
  EXPECT_EQ(explained(service, Request{}).text(),
            "shop · no key, and nothing is minted for what is no page → old, 127.0.0.1:9001");
  const Explanation minted = explained(service, with_header("Accept", "text/html"));
  EXPECT_TRUE(minted.text().starts_with("shop · no key, an identity is minted → bucket ")) << minted.text();
  EXPECT_TRUE(
      explained(service, with_cookie("weir_id=7f3a9c2e")).text().starts_with("shop · cookie:weir_id → bucket 66771"));
}

TEST(Explain, SaysWhenTheCandidateHasNoEndpoint) {
  EXPECT_EQ(explained(shop(), with_cookie("uid=7f3a9c2e"), {{true, false}}).text(),
            "shop · cookie:uid → bucket 66771 < 100000 (10%) → new has no endpoint, fallback → old, 127.0.0.1:9001");
}

TEST(Explain, ALoneVersionAndNoServiceAreToldToo) {
  config::Service service = shop();
  service.versions.pop_back();
  service.split.reset();
  EXPECT_EQ(explained(service, Request{}).text(), "shop · one version → old, 127.0.0.1:9001");
  service.match = {{"other.example", "/", {}}};
  const Explanation nobody = explained(service, Request{});
  EXPECT_EQ(nobody.text(), "no service answers for this host and path → 404");
  EXPECT_EQ(boost::json::parse(nobody.json()).at("status"), 404);
}

TEST(Explain, TellsOfEachRuleTheConditionThatFailed) {
  config::Service service = shop();
  const auto add = [&](auto change) {
    config::Conditions when;
    change(when);
    service.rules.push_back(send_rule("rule-" + std::to_string(service.rules.size() + 1), when, "new"));
  };
  add([](auto& w) { w = header_is("X-Staff", "1"); });
  add([](auto& w) { w = header_is("X-A", "1"); });
  add([](auto& w) { w = header_is("X-A", "1", Is::prefix); });
  add([](auto& w) { w = header_is("X-A", "^1", Is::regex); });
  add([](auto& w) { w = header_is("X-Big", "1", Is::regex); });
  add([](auto& w) { w.headers = {value_test("X-A", Is::present, {}, false)}; });
  add([](auto& w) { w.cookies = {value_test("uid", Is::present)}; });
  add([](auto& w) { w.methods = {"POST", "PUT"}; });
  add([](auto& w) { w.path_prefix = "/api/"; });
  add([](auto& w) { w.path_regex = "^/v[0-9]"; });
  add([](auto& w) {
    w.client_ip = {config::parse_cidr("10.0.0.0/8").value(), config::parse_cidr("2001:db8::/32").value()};
  });
  add([](auto& w) { w.regions = {"nz", "AU"}; });
  add([](auto& w) { w.not_ = {header_is("X-A", "2")}; });
  Request request = with_header("x-a", "2");
  request.headers.emplace_back("X-Big", std::string(1025, '1'));
  request.path = "/x//y";
  std::vector<std::string> failed;
  const Explanation explanation = explained(service, request);
  for (const RuleStep& step : explanation.rules) failed.push_back(step.failed);
  EXPECT_EQ(failed, (std::vector<std::string>{
                        "header X-Staff is absent",
                        "header X-A is \"2\", not \"1\"",
                        "header X-A is \"2\", which does not begin with \"1\"",
                        "header X-A is \"2\", which does not match \"^1\"",
                        "header X-Big is over 1024 bytes",
                        "header X-A is present",
                        "cookie uid is absent",
                        "method is GET, not POST or PUT",
                        "path /x/y is not under /api",
                        "path is \"/x/y\", which does not match \"^/v[0-9]\"",
                        "client 192.0.2.1 is not in 10.0.0.0/8 or 2001:db8::/32",
                        "region is ZZ, not NZ or AU",
                        "everything under its not holds",
                    }));
  EXPECT_EQ(explanation.region, "ZZ");
}

TEST(Explain, HasEveryStepInItsJson) {
  config::Service service = shop_with_rules();
  service.match = {{"*.example", "", {}}};
  const boost::json::value json = boost::json::parse(explained(service, with_cookie("uid=7f3a9c2e")).json());
  EXPECT_EQ(json.at("service"), "shop");
  EXPECT_EQ(json.at("match"), "*.example/");
  EXPECT_EQ(json.at("rules").as_array().size(), 3u);
  EXPECT_EQ(json.at("rules").at(0).at("rule"), "staff");
  EXPECT_EQ(json.at("rules").at(0).at("failed"), "header X-Staff is absent");
  EXPECT_TRUE(json.at("rule").is_null());
  EXPECT_EQ(json.at("key"), "cookie:uid");
  EXPECT_EQ(json.at("salt"), "checkout-2026-11");
  EXPECT_EQ(json.at("bucket"), 66771);
  EXPECT_EQ(json.at("share"), "10%");
  EXPECT_EQ(json.at("version"), "new");
  EXPECT_EQ(json.at("decided_by"), "split");
  EXPECT_EQ(json.at("endpoints").at(0), "127.0.0.1:9002");
}

}  // namespace
}  // namespace weir::routing
