#include "proxy/upstream/retry_budget.h"

#include <gtest/gtest.h>

namespace weir::upstream {
namespace {

using std::chrono::milliseconds;

int take_all(RetryBudget& budget) {
  int taken = 0;
  while (budget.take()) ++taken;
  return taken;
}

/// So many requests in a second, refilled ten times.
struct Flow {
  RetryBudget budget;
  uint64_t requests = 0;
  milliseconds now{1'000'000};
  int seconds(int count, int each_second, bool takes) {
    int taken = 0;
    for (int i = 0; i < 10 * count; ++i) {
      requests += static_cast<uint64_t>(each_second / 10);
      now += milliseconds(100);
      budget.refill(requests, now);
      if (takes) taken += take_all(budget);
    }
    return taken;
  }
};

TEST(RetryBudget, GivesTenASecondToAnIdleService) {
  Flow flow;
  EXPECT_EQ(take_all(flow.budget), 100) << "what ten seconds give is there from the start";
  EXPECT_NEAR(flow.seconds(5, 0, true), 50, 1);
  flow.seconds(60, 0, false);
  EXPECT_EQ(take_all(flow.budget), 100) << "no more than that is saved up";
}

TEST(RetryBudget, GivesAFifthOfTheRequestsAndTenASecond) {
  Flow flow;
  flow.seconds(1, 1000, true);
  EXPECT_NEAR(flow.seconds(10, 1000, true), 2000 + 100, 5);
}

TEST(RetryBudget, SavesWhatWasEarnedInTenSecondsAndNoMore) {
  Flow flow;
  flow.seconds(60, 1000, false);
  const int saved = take_all(flow.budget);
  EXPECT_GE(saved, 1800 + 100) << "the second that has begun is one of the ten";
  EXPECT_LE(saved, 2000 + 100);
  flow.seconds(60, 1000, false);
  flow.seconds(11, 0, false);
  EXPECT_EQ(take_all(flow.budget), 100);
}

TEST(RetryBudget, IsAsLargeAsTheFileSays) {
  Flow flow;
  flow.budget.configure(0);
  flow.seconds(1, 1000, true);
  EXPECT_NEAR(flow.seconds(10, 1000, true), 100, 1);
  flow.budget.configure(1'000'000);
  EXPECT_NEAR(flow.seconds(10, 1000, true), 10'100, 5);
}

TEST(RetryBudget, NumbersThatBeginAnewEarnNothing) {
  Flow flow;
  flow.seconds(5, 1000, true);
  flow.requests = 0;
  EXPECT_LE(flow.seconds(1, 0, true), 11);
}

}  // namespace
}  // namespace weir::upstream
