// Who moves by a change, and what would be too much (contract §4, --dry-run).
#include "proxy/control/effect.h"

#include <gtest/gtest.h>

#include "tests/routing/given.h"

namespace weir::control {
namespace {

using config::Share;

Shares shares(uint32_t candidate) { return {{"old", Share{1'000'000 - candidate}}, {"new", Share{candidate}}}; }

/// 100 requests/s by bucket, a tenth of them on new; each takes 50 ms.
std::vector<VersionLoad> loads() { return {{{90, 90, 0, 0.05}, true}, {{10, 10, 0, 0.05}, true}}; }

double rate(const std::vector<std::pair<std::string, double>>& rates, const std::string& version) {
  for (const auto& [name, value] : rates)
    if (name == version) return value;
  return -1;
}

TEST(Effect, AGrowingShareMovesTheNextBucketsAndNobodyBack) {
  const Effect effect = effect_of(routing::shop(), shares(100'000), shares(250'000), loads(), false);
  EXPECT_EQ(effect.from, "old");
  EXPECT_EQ(effect.to, "new");
  EXPECT_EQ(effect.first_bucket, 100'000u);
  EXPECT_EQ(effect.last_bucket, 249'999u);
  EXPECT_EQ(effect.moved, Share{150'000});
}

TEST(Effect, AShrinkingShareMovesTheLastOnesOut) {
  const Effect effect = effect_of(routing::shop(), shares(250'000), shares(100'000), loads(), false);
  EXPECT_EQ(effect.from, "new");
  EXPECT_EQ(effect.to, "old");
  EXPECT_EQ(effect.first_bucket, 100'000u);
  EXPECT_EQ(effect.last_bucket, 249'999u);
}

TEST(Effect, ARepeatMovesNobody) {
  const Effect effect = effect_of(routing::shop(), shares(100'000), shares(100'000), loads(), false);
  EXPECT_TRUE(effect.from.empty());
  EXPECT_EQ(effect.moved, config::kNobody);
}

TEST(Effect, RatesFollowTheSharesButForWhatRulesDecide) {
  std::vector<VersionLoad> with_rules = loads();
  with_rules[0].load.rate += 20;
  const Effect effect = effect_of(routing::shop(), shares(100'000), shares(300'000), with_rules, false);
  EXPECT_DOUBLE_EQ(rate(effect.rates_now, "old"), 110);
  EXPECT_DOUBLE_EQ(rate(effect.rates_then, "old"), 90);
  EXPECT_DOUBLE_EQ(rate(effect.rates_then, "new"), 30);
}

TEST(Effect, WhoHasNoKeyMovesOnlyWhereTheyAreSplit) {
  std::vector<VersionLoad> keyless = loads();
  keyless[0].load = {100, 0, 100, 0.05};
  keyless[1].load = {};
  config::Service service = routing::shop();
  EXPECT_DOUBLE_EQ(rate(effect_of(service, shares(0), shares(500'000), keyless, false).rates_then, "new"), 0);
  service.cohort.without_key = config::WithoutKey::random;
  EXPECT_DOUBLE_EQ(rate(effect_of(service, shares(0), shares(500'000), keyless, false).rates_then, "new"), 50);
}

TEST(Effect, RulesThatDecideBeforeTheSplitAreNamedUnlessTheCandidateCloses) {
  config::Service service = routing::shop();
  service.rules = {routing::send_rule("staff", routing::header_is("X-Staff", "1"), "new")};
  EXPECT_EQ(effect_of(service, shares(0), shares(1), loads(), false).overriding_rules,
            std::vector<std::string>{"staff"});
  const Effect closing = effect_of(service, shares(100'000), shares(0), loads(), true);
  EXPECT_TRUE(closing.overriding_rules.empty());
  EXPECT_DOUBLE_EQ(rate(closing.rates_then, "new"), 0);
  EXPECT_DOUBLE_EQ(rate(closing.rates_then, "old"), 100);
}

TEST(Effect, EndpointsThatAreTooFewAreWarnedOf) {
  config::Service service = routing::shop();
  service.versions[1].max_connections = 2;  // 50/s that take 50 ms need 2.5 places
  const Effect too_much = effect_of(service, shares(100'000), shares(500'000), loads(), false);
  ASSERT_EQ(too_much.warnings.size(), 1u);
  EXPECT_NE(too_much.warnings[0].find("max_connections 2"), std::string::npos) << too_much.warnings[0];
  EXPECT_TRUE(effect_of(service, shares(100'000), shares(300'000), loads(), false).warnings.empty());
  service.versions[1].max_connections = 0;
  EXPECT_TRUE(effect_of(service, shares(100'000), shares(1'000'000), loads(), false).warnings.empty());
}

TEST(Effect, AStablePoolTooSmallForEverybodyIsWarnedOfAtARollback) {
  config::Service service = routing::shop();
  service.versions[0].max_connections = 4;
  EXPECT_EQ(effect_of(service, shares(100'000), shares(0), loads(), true).warnings.size(), 1u);
}

TEST(Effect, ACandidateWithoutAnEndpointIsWarnedOf) {
  std::vector<VersionLoad> down = loads();
  down[1].up = false;
  EXPECT_EQ(effect_of(routing::shop(), shares(0), shares(100'000), down, false).warnings.size(), 1u);
  EXPECT_TRUE(effect_of(routing::shop(), shares(100'000), shares(0), down, false).warnings.empty());
}

}  // namespace
}  // namespace weir::control
