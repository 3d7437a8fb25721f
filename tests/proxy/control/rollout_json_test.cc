// What is kept of a rollout is read back whole or not at all.
#include "proxy/control/rollout_json.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "config/parse.h"
#include "proxy/control/rollouts.h"
#include "routing/rollout/controller.h"

namespace weir::control {
namespace {

namespace json = boost::json;
namespace rollout = routing::rollout;

struct Planned : Run {
  Planned() {
    const auto loaded = config::parse(
        "listeners: [{ address: 127.0.0.1:8080 }]\nservices:\n  - name: shop\n    cohort: { key: cookie:uid }\n"
        "    stable: old\n    versions: { old: { endpoints: [127.0.0.1:1] }, new: { endpoints: [127.0.0.1:2] } }\n"
        "    rollout: { stages: [10%, 100%] }\n",
        "FILE");
    EXPECT_TRUE(loaded);
    plan = rollout::plan_of(loaded->config.services.front());
  }
};

json::object kept_of_one_under_way() {
  Planned run;
  const rollout::Step step = rollout::start(run.plan, run.state);
  run.revision = 7;
  run.history.push_back({std::chrono::system_clock::time_point(), step.transitions.front(), "anna"});
  return kept_json(run);
}

TEST(KeptRollout, IsReadBackAsItWas) {
  Planned run;
  bool same_plan = false;
  ASSERT_TRUE(read_kept(kept_of_one_under_way(), run, same_plan));
  EXPECT_TRUE(same_plan);
  EXPECT_EQ(run.state.phase, rollout::Phase::holding);
  EXPECT_EQ(run.state.share, config::Share{100'000});
  EXPECT_EQ(run.revision, 7u);
  ASSERT_EQ(run.history.size(), 1u);
  EXPECT_EQ(run.history.front().author, "anna");
}

TEST(KeptRollout, OfWhichAPartIsMissingIsNotReadAtAll) {
  for (const char* part : {"state", "plan", "slow_ns", "revision", "transitions", "history"}) {
    json::object kept = kept_of_one_under_way();
    kept.erase(part);
    Planned run;
    bool same_plan = false;
    EXPECT_FALSE(read_kept(kept, run, same_plan)) << part;
    EXPECT_EQ(run.state.phase, rollout::Phase::draft) << part;
    EXPECT_EQ(run.revision, 0u) << part;
    EXPECT_TRUE(run.history.empty()) << part;
  }
}

}  // namespace
}  // namespace weir::control
