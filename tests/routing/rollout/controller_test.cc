#include "routing/rollout/controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "routing/rollout/verdict.h"

namespace weir::routing::rollout {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

Plan six_stages() {
  Plan plan;
  plan.service = "shop";
  plan.stable = "old";
  plan.candidate = "new";
  for (const uint32_t share : {1'000U, 10'000U, 50'000U, 250'000U, 500'000U, 1'000'000U}) {
    plan.stages.push_back({config::Share{share}, 10min, false, share >= 50'000, false});
  }
  plan.min_users = 200;
  plan.judged = {true, false, false};
  plan.fail = 0.001;
  plan.pass = 0.05;
  plan.margin = 1.5;
  plan.tolerance = 0.005;
  plan.soak = 1h;
  return plan;
}

/// A rollout under way, driven by hand.
struct Running {
  explicit Running(Plan chosen = six_stages()) : plan(std::move(chosen)) { last = start(plan, state); }

  void see(Side side, uint64_t users) {
    for (uint64_t i = 0; i < users; ++i) state.seen[side].insert(next_user++ * 0x9e3779b97f4a7c15);
    seen.since_last[side].requests += users;
  }
  void err(bool candidate, Metric metric = Metric::errors, uint32_t network = 0) {
    BadEvent event;
    event.metric = metric;
    event.user = next_user++ * 0x9e3779b97f4a7c15;
    event.network = network;
    event.candidate = candidate;
    event.share = state.share;
    event.good = good;
    note(plan, state, event);
  }
  Step look(milliseconds passed = 0ms) {
    last = judge(plan, state, seen, passed);
    seen.since_last = {};
    return last;
  }
  /// Enough good users for any stage, split as asked.
  void all_is_well() {
    const double rho = fraction(state.share);
    see(kCandidate, 1000);
    see(kStable, static_cast<uint64_t>(std::min(1000 / rho - 1000, 200'000.0)));
    ++good;
  }

  Plan plan;
  State state;
  Observation seen;
  Step last;
  uint64_t next_user = 1, good = 1;
};

TEST(Rollout, BeginsAtItsFirstShare) {
  Running rollout;
  EXPECT_EQ(rollout.last.share, config::Share{1'000});
  EXPECT_EQ(rollout.state.phase, Phase::holding);
  EXPECT_TRUE(start(rollout.plan, rollout.state).refused);
}

TEST(Rollout, ClimbsToEverybodyAndSoaksWhenNothingEverErrs) {
  Running rollout;
  while (rollout.state.phase == Phase::holding) {
    rollout.all_is_well();
    EXPECT_FALSE(rollout.look(5min).share);
    rollout.look(5min);
    ASSERT_TRUE(rollout.last.share) << rollout.state.why;
  }
  EXPECT_EQ(rollout.state.phase, Phase::soaking);
  EXPECT_EQ(rollout.state.share, config::kEverybody);
  rollout.look(59min);
  EXPECT_EQ(rollout.state.phase, Phase::soaking);
  rollout.look(1min);
  EXPECT_EQ(rollout.state.phase, Phase::done);
}

TEST(Rollout, WaitsWithoutTrafficForEverAndSaysSo) {
  Running rollout;
  for (int day = 0; day < 30; ++day) EXPECT_FALSE(rollout.look(24h).share);
  EXPECT_EQ(rollout.state.phase, Phase::judging);
  EXPECT_THAT(rollout.state.why, HasSubstr("no user"));
}

TEST(Rollout, OneUserAloneDecidesNothing) {
  Running rollout;
  rollout.see(kCandidate, 1);
  BadEvent event;
  event.candidate = true;
  event.user = 42;
  event.share = rollout.state.share;
  for (int i = 0; i < 10'000; ++i) note(rollout.plan, rollout.state, event);
  EXPECT_FALSE(rollout.look(1h).share);
  EXPECT_EQ(rollout.state.phase, Phase::judging);
  EXPECT_EQ(rollout.state.evidence[0].first[kCandidate], 1u);
}

TEST(Rollout, ADeadCandidateIsRolledBackAfterAHandfulOfUsers) {
  const std::vector<std::pair<size_t, int>> expected{{0, 2}, {1, 3}, {4, 12}};  // with copies of the stages before
  for (const auto& [stage, users] : expected) {
    Running rollout;
    while (rollout.state.stage < stage) skip(rollout.plan, rollout.state);
    for (int i = 1; i < users; ++i) {
      rollout.err(true);
      ASSERT_FALSE(rollout.look().close) << stage << " after " << i;
    }
    rollout.err(true);
    const Step step = rollout.look();
    EXPECT_TRUE(step.close) << stage;
    EXPECT_EQ(step.share, config::kNobody);
    EXPECT_EQ(rollout.state.phase, Phase::rolling_back);
    EXPECT_THAT(step.transitions.back().why, HasSubstr("errors"));
  }
}

TEST(Rollout, SmallHarmPausesAndGoesOnWhenSomebodySaysSo) {
  Running rollout;
  for (int stage = 0; stage < 3; ++stage) skip(rollout.plan, rollout.state);
  rollout.see(kCandidate, 50'000);
  rollout.see(kStable, 60'000);
  for (int i = 0; i < 12; ++i) {
    ++rollout.good;  // there were good answers between
    rollout.err(true);
  }
  EXPECT_FALSE(rollout.look().close);
  EXPECT_EQ(rollout.state.phase, Phase::paused);
  EXPECT_FALSE(resume(rollout.plan, rollout.state).refused);
  rollout.look(1s);
  EXPECT_EQ(rollout.state.phase, Phase::holding);
}

TEST(Rollout, UsersErringOnBothSidesBlameNobody) {
  Running rollout;
  for (int stage = 0; stage < 4; ++stage) skip(rollout.plan, rollout.state);
  for (int i = 0; i < 20'000; ++i) {
    rollout.err(i % 2 == 0);
    rollout.look();
    ASSERT_EQ(rollout.state.phase, Phase::holding) << i << rollout.state.why;
  }
}

TEST(Rollout, ARollbackIsReachedFromEveryLiveState) {
  for (const Phase phase : {Phase::holding, Phase::judging, Phase::awaiting_approval, Phase::soaking, Phase::paused}) {
    Running rollout;
    skip(rollout.plan, rollout.state);
    rollout.state.phase = phase;
    for (int i = 0; i < 6; ++i) rollout.err(true);
    EXPECT_TRUE(rollout.look().close) << phase_name(phase);
  }
}

TEST(Rollout, ACandidateWithoutEndpointsFailsWithoutStatistics) {
  Running rollout;
  rollout.seen.candidate_alive = false;
  EXPECT_TRUE(rollout.look().close);
}

TEST(Rollout, NoEventEntersWhileTheCandidatesRequestsGoElsewhere) {
  Running rollout;
  rollout.seen.diverted = true;
  rollout.look(1s);
  for (int i = 0; i < 50; ++i) rollout.err(false);
  EXPECT_EQ(rollout.state.evidence[0].first[kStable], 0u);
  rollout.seen.diverted = false;
  rollout.look(999ms);
  rollout.err(true);
  EXPECT_EQ(rollout.state.evidence[0].first[kCandidate], 0u);
  rollout.look(1ms);
  rollout.err(true);
  EXPECT_EQ(rollout.state.evidence[0].first[kCandidate], 1u);
}

TEST(Rollout, ForgedUsersOfOneNetworkCountUpToItsBound) {
  Plan bounded = six_stages();
  bounded.per_network = 2;
  Running rollout(bounded);
  for (int i = 0; i < 1000; ++i) rollout.err(true, Metric::errors, 7);
  EXPECT_EQ(rollout.state.evidence[0].first[kCandidate], 2u);
  rollout.err(true, Metric::errors, 8);
  EXPECT_EQ(rollout.state.evidence[0].first[kCandidate], 3u);
}

TEST(Rollout, PastAStageWithoutReturnAFailurePausesAndCalls) {
  Plan migrated = six_stages();
  migrated.stages[1].no_return = true;
  Running rollout(migrated);
  skip(rollout.plan, rollout.state);
  for (int i = 0; i < 6; ++i) rollout.err(true);
  const Step step = rollout.look();
  EXPECT_FALSE(step.close);
  EXPECT_FALSE(step.share);
  EXPECT_EQ(rollout.state.phase, Phase::paused);
  EXPECT_EQ(step.transitions.back().what, "fail");
}

TEST(Rollout, StepsBackAndWaitsWhereThePlanSaysSo) {
  Plan careful = six_stages();
  careful.if_failing = config::IfFailing::step_back;
  Running rollout(careful);
  skip(rollout.plan, rollout.state);
  for (int i = 0; i < 6; ++i) rollout.err(true);
  const Step step = rollout.look();
  EXPECT_EQ(step.share, config::Share{1'000});
  EXPECT_EQ(rollout.state.phase, Phase::paused);
  EXPECT_NEAR(rollout.state.evidence[0].harm.log_e(), 0, 1e-9);
}

TEST(Rollout, WaitsForApprovalWhereTheStageAsksForIt) {
  Plan approved = six_stages();
  approved.stages[0].approve = true;
  Running rollout(approved);
  rollout.all_is_well();
  EXPECT_FALSE(rollout.look(1h).share);
  EXPECT_EQ(rollout.state.phase, Phase::awaiting_approval);
  rollout.all_is_well();
  EXPECT_FALSE(rollout.look(24h).share);
  EXPECT_EQ(approve(rollout.plan, rollout.state).share, config::Share{10'000});
  EXPECT_TRUE(approve(rollout.plan, rollout.state).refused);
}

TEST(Rollout, FeedbackHoldsAndNeverRollsBack) {
  Plan heard = six_stages();
  heard.judged = {true, false, true};
  Running rollout(heard);
  rollout.all_is_well();
  for (int i = 0; i < 500; ++i) rollout.err(true, Metric::feedback);
  for (int i = 0; i < 10; ++i) {
    const Step step = rollout.look(1h);
    EXPECT_FALSE(step.close);
    EXPECT_FALSE(step.share);
  }
  EXPECT_THAT(rollout.state.why, HasSubstr("rate the candidate worse"));
}

TEST(Rollout, AnUnevenSplitIsNotPromoted) {
  Running rollout;
  for (int stage = 0; stage < 3; ++stage) skip(rollout.plan, rollout.state);
  rollout.see(kCandidate, 5'000);
  rollout.see(kStable, 25'000);  // 25% were asked for
  EXPECT_FALSE(rollout.look(1h).share);
  EXPECT_THAT(rollout.state.why, HasSubstr("not split as asked"));
}

TEST(Rollout, TheShareGrowsInStepsWhereThatIsBounded) {
  Plan guarded = six_stages();
  guarded.max_step = config::Share{250'000};
  guarded.warmup = 30s;
  Running rollout(guarded);
  for (int stage = 0; stage < 5; ++stage) skip(rollout.plan, rollout.state);
  EXPECT_LT(rollout.state.share, config::kEverybody);
  while (rollout.state.share < config::kEverybody) {
    const config::Share before = rollout.state.share;
    EXPECT_FALSE(rollout.look(29s).share);
    ASSERT_TRUE(rollout.look(1s).share);
    EXPECT_LE(fraction(rollout.state.share) - fraction(before), 0.25);
  }
  EXPECT_EQ(rollout.state.phase, Phase::soaking);
}

TEST(Rollout, AStableVersionThatGotWorsePausesWithoutBlame) {
  Running rollout;
  for (int stage = 0; stage < 3; ++stage) {
    rollout.all_is_well();
    rollout.look(1h);
  }
  ASSERT_EQ(rollout.state.phase, Phase::holding);
  for (int i = 0; i < 200; ++i) rollout.err(false);
  rollout.seen.since_last[kStable].requests = 1000;
  EXPECT_FALSE(rollout.look(1s).close);
  EXPECT_EQ(rollout.state.phase, Phase::paused);
  EXPECT_THAT(rollout.state.why, HasSubstr("not the candidate's fault"));
}

TEST(Rollout, AFaultInTheSoakIsSeenAgainstWhatWasUsual) {
  Running rollout;
  while (rollout.state.phase != Phase::soaking) {
    rollout.all_is_well();
    rollout.look(1h);
  }
  for (int i = 0; i < 300; ++i) rollout.err(true);
  ++rollout.good;
  rollout.seen.since_last[kCandidate].requests = 1000;
  EXPECT_TRUE(rollout.look(1s).close);
}

TEST(Rollout, AShareChangedByHandBeginsTheEvidenceAnew) {
  Running rollout;
  for (int i = 0; i < 3; ++i) skip(rollout.plan, rollout.state);
  rollout.err(true);
  const Step step = share_was_changed(rollout.plan, rollout.state, config::Share{60'000}, "changed by hand");
  EXPECT_EQ(rollout.state.phase, Phase::paused);
  EXPECT_EQ(rollout.state.stage, 2u);
  EXPECT_EQ(rollout.state.evidence[0].first[kCandidate], 0u);
  EXPECT_THAT(step.transitions.back().why, HasSubstr("begins anew"));
  resume(rollout.plan, rollout.state);
  rollout.look(1ms);
  EXPECT_EQ(rollout.state.share, config::Share{50'000});  // never above the approved stage
}

TEST(Rollout, ALimitTripsOnlyWhenTheStableVersionIsBelowIt) {
  Plan limited = six_stages();
  limited.error_ratio = 0.05;
  Running blamed(limited), innocent(limited);
  blamed.seen.since_last[kCandidate] = {1000, 200, 0};
  blamed.seen.since_last[kStable] = {1000, 2, 0};
  EXPECT_TRUE(blamed.look().close);
  innocent.seen.since_last[kCandidate] = {1000, 200, 0};
  innocent.seen.since_last[kStable] = {1000, 200, 0};
  EXPECT_FALSE(innocent.look().close);
  EXPECT_EQ(innocent.state.phase, Phase::paused);
}

TEST(Rollout, MissesNothingButTimeOnceEnoughUsersWereSeenOfWhomNoneErred) {
  Running rollout;
  for (int stage = 0; stage < 2; ++stage) skip(rollout.plan, rollout.state);
  rollout.look(1min);
  EXPECT_THAT(forecast(rollout.plan, rollout.state).text, HasSubstr("there is no traffic"));
  rollout.see(kCandidate, 300);
  EXPECT_THAT(forecast(rollout.plan, rollout.state).text, HasSubstr("more users, "));
  rollout.see(kCandidate, 700);
  rollout.see(kStable, 19'000);
  EXPECT_EQ(forecast(rollout.plan, rollout.state).text, "");
  rollout.look(9min);
  EXPECT_EQ(rollout.state.stage, 3u);
}

TEST(Rollout, SaysHowManyMoreUsersAndMinutesItNeeds) {
  Running rollout;
  for (int stage = 0; stage < 2; ++stage) skip(rollout.plan, rollout.state);
  rollout.see(kCandidate, 368);
  rollout.see(kStable, 7000);
  rollout.look(10min);
  EXPECT_EQ(rollout.state.phase, Phase::judging);
  EXPECT_THAT(rollout.last.transitions.back().why, HasSubstr("more users"));
  const Forecast next = forecast(rollout.plan, rollout.state);
  ASSERT_TRUE(next.minutes);
  EXPECT_GT(next.users, 368u);  // the first look was spent
  EXPECT_GT(*next.minutes, 10);
}

}  // namespace
}  // namespace weir::routing::rollout
