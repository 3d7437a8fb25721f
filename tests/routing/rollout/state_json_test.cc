#include "routing/rollout/state_json.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "routing/rollout/controller.h"

namespace weir::routing::rollout {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

Plan plan() {
  Plan plan;
  plan.stages = {{config::Share{500'000}, 1min, true, false, false},
                 {config::Share{750'000}, 1min, false, true, false}};
  plan.min_users = 10;
  plan.judged = {true, true, false};
  plan.fail = 0.001;
  plan.pass = 0.05;
  plan.margin = 1.5;
  plan.tolerance = 0.005;
  plan.per_network = 5;
  return plan;
}

State under_way() {
  State state;
  start(plan(), state);
  for (uint64_t i = 1; i < 100; ++i) {
    const uint64_t user = i * 0x9e3779b97f4a7c15;
    state.seen[i % 2].insert(user);
    note(plan(), state, {Metric::errors, user, static_cast<uint32_t>(i), i % 30 == 0, state.share, i});
  }
  Observation seen;
  seen.since_last = {Count{500, 90, 1}, Count{40, 3, 0}};
  judge(plan(), state, seen, 61s);
  return state;
}

/// As text, with numbers to nine digits: a parser may miss the last bit of a double.
std::string text_of(json::value value) {
  if (json::object* object = value.if_object()) {
    std::string text;
    for (auto& [key, member] : *object) text += std::string(key) + ":" + text_of(member) + "\n";
    return text;
  }
  if (json::array* array = value.if_array()) {
    std::string text;
    for (json::value& item : *array) text += text_of(item) + " ";
    return text;
  }
  if (value.is_double()) return fmt::format("{:.9g}", value.get_double());
  return json::serialize(value);
}

TEST(RolloutState, ComesBackWholeAndJudgesOnAsIfNothingHadHappened) {
  State state = under_way();
  ASSERT_EQ(state.phase, Phase::awaiting_approval);
  const std::string kept = json::serialize(state_json(state));
  auto again = state_of(json::parse(kept), plan());
  ASSERT_TRUE(again);
  EXPECT_TRUE(text_of(state_json(*again)) == text_of(json::parse(kept)));
  for (State* one : {&state, &*again}) {
    for (uint64_t user = 1000; user < 1003; ++user)
      note(plan(), *one, {Metric::errors, user, 1, true, one->share, 100});
    judge(plan(), *one, {}, 1s);
  }
  EXPECT_EQ(again->evidence[0].first[kCandidate], state.evidence[0].first[kCandidate]);
  EXPECT_TRUE(text_of(state_json(*again)) == text_of(state_json(state)));
}

TEST(RolloutState, OfAnotherPlanOrDamagedIsNone) {
  const json::object good = state_json(under_way());
  Plan longer = plan();
  longer.stages.push_back({config::kEverybody, 1min, false, true, false});
  EXPECT_FALSE(state_of(good, longer));
  for (const auto& [key, value] : good) {
    json::object damaged = good;
    damaged.erase(key);
    EXPECT_FALSE(state_of(damaged, plan())) << "without " << key;
    damaged = good;
    damaged[key] = json::array{"odd"};
    EXPECT_FALSE(state_of(damaged, plan())) << "odd " << key;
  }
  EXPECT_FALSE(state_of(nullptr, plan()));
}

}  // namespace
}  // namespace weir::routing::rollout
