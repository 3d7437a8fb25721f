#include "routing/rollout/bounds.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "routing/rollout/user_filter.h"

namespace weir::routing::rollout {
namespace {

TEST(Exposure, NobodyErringTakes736UsersAtTheFirstLook) {
  EXPECT_GT(upper_bound_of_part(0, 735, 0.025), 0.005);
  EXPECT_LE(upper_bound_of_part(0, 736, 0.025), 0.005);
}

TEST(Exposure, NoTrafficProvesNothing) {
  EXPECT_EQ(upper_bound_of_part(0, 0, 0.025), 1);
  EXPECT_EQ(upper_bound_of_part(3, 3, 0.025), 1);
}

TEST(Exposure, TheLowerBoundIsBelowAndTheUpperAboveWhatIsTrue) {
  EXPECT_EQ(exact_lower_bound_of_part(0, 1000, 0.05), 0);
  EXPECT_NEAR(exact_lower_bound_of_part(10, 1000, 0.025), 0.0048, 0.0001);
  EXPECT_NEAR(upper_bound_of_part(10, 1000, 0.025), 0.0183, 0.0001);
}

TEST(LowerBound, ThreeBadRequestsTripNothing) {
  EXPECT_LT(lower_bound_of_part(3, 3, 3), 0.3);
  EXPECT_LT(lower_bound_of_part(3, 60, 3), 0.05);
  EXPECT_GT(lower_bound_of_part(100, 1000, 3), 0.05);
  EXPECT_EQ(lower_bound_of_part(0, 0, 3), 0);
}

TEST(SplitMismatch, AsAskedNeverAlarms) {
  std::mt19937_64 dice(7);
  int alarms = 0;
  for (int run = 0; run < 500; ++run) {
    uint64_t candidate = 0;
    double worst = 0;
    for (uint64_t n = 1; n <= 3000; ++n) {
      candidate += std::bernoulli_distribution(0.1)(dice);
      worst = std::max(worst, log_split_mismatch(candidate, n - candidate, 0.1));
    }
    alarms += worst >= std::log(1000);
  }
  EXPECT_LE(alarms, 3);
}

TEST(SplitMismatch, ACandidateThatLosesAFifthOfItsUsersIsSeen) {
  EXPECT_GE(log_split_mismatch(800, 9200, 0.1), std::log(1000));
  EXPECT_LT(log_split_mismatch(990, 9010, 0.1), 0);
}

TEST(GrowthDetector, IsSilentWhileNothingChangesAndAlarmsWhenErrorsGrow) {
  std::mt19937_64 dice(11);
  GrowthDetector detector = GrowthDetector::armed(20, 20'000);
  for (int second = 0; second < 20'000; ++second) {
    detector.add(std::binomial_distribution<uint64_t>(100, 0.001)(dice), 100);
    ASSERT_FALSE(detector.alarm()) << second;
  }
  int seconds = 0;
  while (!detector.alarm() && seconds < 1000) {
    detector.add(std::binomial_distribution<uint64_t>(100, 0.02)(dice), 100);
    ++seconds;
  }
  EXPECT_LE(seconds, 12);
}

TEST(GrowthDetector, IsNotArmedByAHandfulOfRequests) {
  GrowthDetector detector = GrowthDetector::armed(0, 10);
  detector.add(1000, 1000);
  EXPECT_FALSE(detector.is_armed());
  EXPECT_FALSE(detector.alarm());
}

TEST(UserFilter, CountsAUserOnce) {
  UserFilter filter;
  EXPECT_TRUE(filter.insert(0x9e3779b97f4a7c15));
  EXPECT_FALSE(filter.insert(0x9e3779b97f4a7c15));
  EXPECT_EQ(filter.size(), 1u);
}

TEST(UserFilter, NeverCountsMoreUsersThanThereAreAndEstimatesThemWell) {
  std::mt19937_64 dice(3);
  UserFilter filter;
  constexpr int kUsers = 60'000;
  for (int i = 0; i < kUsers; ++i) filter.insert(dice());
  EXPECT_LE(filter.size(), uint64_t{kUsers});
  EXPECT_NEAR(filter.users(), kUsers, kUsers * 0.02);
}

TEST(UserFilter, ComesBackAsItWasKeptAndRefusesWhatIsNone) {
  std::mt19937_64 dice(5);
  UserFilter filter, again;
  EXPECT_TRUE(again.read(filter.text()));
  filter.insert(0);
  filter.insert(UserFilter::kPlaces - 1);
  for (int i = 0; i < 1000; ++i) filter.insert(dice());
  ASSERT_TRUE(again.read(filter.text()));
  EXPECT_EQ(again.text(), filter.text());
  EXPECT_EQ(again.size(), filter.size());
  for (const char* wrong : {"x", "1 ", "1  2", "-1", "20000", "1ffff 1", "5 0"}) {
    EXPECT_FALSE(again.read(wrong)) << wrong;
    EXPECT_EQ(again.size(), filter.size()) << wrong;
  }
}

TEST(UserFilter, UnitesWhatSeveralHaveSeen) {
  UserFilter filter;
  filter.insert(1);
  const std::vector<uint64_t> words{0b110, 0b1};
  filter.unite(words);
  EXPECT_EQ(filter.size(), 3u);
  filter.unite(words);
  EXPECT_EQ(filter.size(), 3u);
}

}  // namespace
}  // namespace weir::routing::rollout
