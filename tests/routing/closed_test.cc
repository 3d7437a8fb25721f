// A candidate that was rolled back gets nobody, whoever names it (contract §3).
#include <gtest/gtest.h>

#include "routing/explain.h"
#include "tests/routing/given.h"

namespace weir::routing {
namespace {

constexpr uint32_t kOld = 0, kNew = 1;

/// A rule that sends to new, one that splits all of it to new, and everybody on new by the service's split.
std::shared_ptr<Snapshot> snapshot(bool closed, config::WithoutKey way = config::WithoutKey::stable) {
  config::Service service = shop(1'000'000);
  service.cohort.without_key = way;
  service.rules = {send_rule("staff", header_is("X-Staff", "1"), "new"),
                   split_rule("south", header_is("X-South", "1"), 1'000'000),
                   send_rule("bots", header_is("X-Bot", "1"), "old")};
  auto made = compiled(service);
  made->services.front().closed = closed;
  return made;
}

TEST(Closed, NoRuleNoRuleSplitAndNoShareSendsAnybodyToTheCandidate) {
  Request with_key = with_cookie("uid=7f3a9c2e"), staff = with_header("X-Staff", "1"),
          south = with_header("X-South", "1");
  south.headers.emplace_back("Cookie", "uid=7f3a9c2e");
  const auto open = snapshot(false), closed = snapshot(true);
  for (const Request& request : {with_key, staff, south}) {
    EXPECT_EQ(decide_for(*open, request).version, kNew);
    EXPECT_EQ(decide_for(*closed, request).version, kOld);
  }
}

TEST(Closed, NobodyWithoutAKeyGoesThereEither) {
  Request page = with_header("Sec-Fetch-Mode", "navigate");
  for (const auto way : {config::WithoutKey::client_ip, config::WithoutKey::mint, config::WithoutKey::random}) {
    EXPECT_EQ(decide_for(*snapshot(false, way), page).version, kNew);
    EXPECT_EQ(decide_for(*snapshot(true, way), page).version, kOld);
  }
}

TEST(Closed, ARuleThatSendsThereIsPassedOverAndStillTold) {
  const Decision decision = decide_for(*snapshot(true), with_header("X-Staff", "1"));
  EXPECT_EQ(decision.rule, 0u);
  EXPECT_NE(decision.by, DecidedBy::rule);
}

TEST(Closed, ARuleThatSendsToTheStableVersionHoldsAsBefore) {
  const Decision decision = decide_for(*snapshot(true), with_header("X-Bot", "1"));
  EXPECT_EQ(decision.version, kOld);
  EXPECT_EQ(decision.by, DecidedBy::rule);
}

TEST(Closed, ADeadStableVersionDoesNotOpenTheCandidate) {
  EXPECT_EQ(decide_for(*snapshot(true), with_cookie("uid=7f3a9c2e"), {{false, true}}).version, kOld);
}

TEST(Closed, IsToldInTheExplanation) {
  const auto closed = snapshot(true);
  const Request user = with_cookie("uid=7f3a9c2e"), staff = with_header("X-Staff", "1");
  const Explanation by_bucket = explain(*closed, user.view(), {}, {}), by_rule = explain(*closed, staff.view(), {}, {});
  EXPECT_TRUE(by_bucket.closed);
  EXPECT_EQ(by_bucket.version, "old");
  EXPECT_NE(by_bucket.text().find("cookie:uid → new is closed, rolled back → old"), std::string::npos)
      << by_bucket.text();
  EXPECT_NE(by_rule.text().find("rule staff → new is closed, rolled back → old"), std::string::npos) << by_rule.text();
  EXPECT_NE(by_rule.json().find(R"("closed":true)"), std::string::npos);
  EXPECT_EQ(explain(*snapshot(false), user.view(), {}, {}).text().find("closed"), std::string::npos);
}

}  // namespace
}  // namespace weir::routing
