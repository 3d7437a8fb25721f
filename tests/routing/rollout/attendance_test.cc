#include "routing/rollout/attendance.h"

#include <gtest/gtest.h>

namespace weir::routing::rollout {
namespace {

using namespace std::chrono_literals;

constexpr config::Share kTenth{100'000};

/// Splitmix64: hashes that know nothing of each other.
uint64_t hash_of(uint64_t user) {
  user = (user + 1) * 0x9e3779b97f4a7c15ULL;
  user = (user ^ (user >> 30)) * 0xbf58476d1ce4e5b9ULL;
  user = (user ^ (user >> 27)) * 0x94d049bb133111ebULL;
  return user ^ (user >> 31);
}

/// The places of users `first` to `last`, a bit each.
std::vector<uint64_t> users(uint64_t first, uint64_t last) {
  std::vector<uint64_t> words(UserFilter::kPlaces / 64);
  for (uint64_t user = first; user < last; ++user) {
    const uint32_t place = filter_place(hash_of(user), UserFilter::kPlaces);
    words[place / 64] |= uint64_t{1} << (place % 64);
  }
  return words;
}

TEST(Day, OfOtherUsersInEachWindowHasSixTimesAsManyInAnHour) {
  Day day;
  std::optional<Attendance> whole;
  for (unsigned window = 0; window < Day::kWindows; ++window) {
    ASSERT_FALSE(whole);
    whole = day.add(users(window * 100, window * 100 + 100));
  }
  ASSERT_TRUE(whole);
  EXPECT_NEAR(whole->in_window, 100, 1);
  EXPECT_NEAR(whole->in_hour, 600, 10);
  EXPECT_NEAR(whole->in_day, 14'400, 300);
  EXPECT_EQ(day.windows(), 0U) << "the next day begins";
}

TEST(Day, OfTheSameUsersAllTheTimeHasNoMoreOfThem) {
  Day day;
  std::optional<Attendance> whole;
  for (unsigned window = 0; window < Day::kWindows; ++window) whole = day.add(users(0, 100));
  ASSERT_TRUE(whole);
  EXPECT_NEAR(whole->in_window, 100, 1);
  EXPECT_NEAR(whole->in_hour, 100, 1);
  EXPECT_NEAR(whole->in_day, 100, 1);
}

TEST(Day, GoesOnFromWhatWasKept) {
  Day begun;
  for (unsigned window = 0; window < 100; ++window) begun.add(users(window * 10, window * 10 + 50));
  auto day = Day::of(begun.windows(), begun.sum_of_windows(), begun.sum_of_hours(), begun.hour(), begun.day());
  ASSERT_TRUE(day);
  std::optional<Attendance> one, other;
  for (unsigned window = 100; window < Day::kWindows; ++window) {
    one = begun.add(users(window * 10, window * 10 + 50));
    other = day->add(users(window * 10, window * 10 + 50));
  }
  ASSERT_TRUE(one && other);
  EXPECT_EQ(one->in_hour, other->in_hour);
  EXPECT_EQ(one->in_day, other->in_day);
  EXPECT_FALSE(Day::of(Day::kWindows, 0, 0, {}, {}));
}

TEST(TimeToSee, FollowsHowUsersComeBack) {
  const Attendance shop{100, 400, 4'000};
  EXPECT_EQ(time_to_see(5, kTenth, shop), 5min);  // 50 users, half of a window's
  EXPECT_EQ(time_to_see(10, kTenth, shop), 10min);
  EXPECT_EQ(time_to_see(40, kTenth, shop), 1h);
  EXPECT_EQ(time_to_see(400, kTenth, shop), 24h);
  EXPECT_EQ(time_to_see(800, kTenth, shop), 48h);  // at the least: as if each were new
  const auto between = *time_to_see(20, kTenth, shop);
  EXPECT_GT(between, 20min);
  EXPECT_LT(between, 30min);
}

TEST(TimeToSee, IsUnknownWhereNobodyComes) { EXPECT_FALSE(time_to_see(1, kTenth, {})); }

TEST(TimeToSee, OfTheSameUsersAllTheTimeIsVeryLong) {
  EXPECT_EQ(time_to_see(10, kTenth, {100, 100, 100}), 10min);
  EXPECT_GT(time_to_see(20, kTenth, {100, 100, 100}), 24h);
}

TEST(LeastUsers, AreThoseThatExposureNeedsWhereNobodyErrs) {
  Plan plan;
  plan.min_users = 200;
  plan.pass = 0.05;
  plan.tolerance = 0.005;
  EXPECT_EQ(least_users(plan, {.proof_required = true}), 736U);
  EXPECT_EQ(least_users(plan, {.proof_required = false}), 200U);
  plan.min_users = 1'000;
  EXPECT_EQ(least_users(plan, {.proof_required = true}), 1'000U);
}

}  // namespace
}  // namespace weir::routing::rollout
