#include "routing/rollout/freeze.h"

#include <gtest/gtest.h>

#include "config/config.h"

namespace weir::routing::rollout {
namespace {

using namespace std::chrono_literals;

Freeze window(const std::string& text) { return *Freeze::of(*config::parse_freeze_window(text)); }

/// An instant by the clocks of UTC.
Instant utc(int year, unsigned month, unsigned day, int hour, int minute = 0) {
  const auto date = std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day);
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute);
}

TEST(Freeze, BeginsAndEndsByTheClocksOfItsPlace) {
  const Freeze weekend = window("Fri 16:00-Mon 08:00 Europe/Berlin");  // in November an hour before UTC
  EXPECT_FALSE(weekend.until(utc(2026, 11, 27, 14, 59)));
  ASSERT_TRUE(weekend.until(utc(2026, 11, 27, 15)));
  EXPECT_EQ(weekend.until(utc(2026, 11, 27, 15))->at, utc(2026, 11, 30, 7));
  EXPECT_EQ(weekend.until(utc(2026, 11, 27, 15))->text, "Mon 2026-11-30 08:00 CET");
  EXPECT_TRUE(weekend.until(utc(2026, 11, 30, 6, 59)));
  EXPECT_FALSE(weekend.until(utc(2026, 11, 30, 7)));
}

TEST(Freeze, FollowsTheClocksWhenTheyAreChanged) {
  const Freeze weekend = window("Fri 16:00-Mon 08:00 Europe/Berlin");
  // On Sunday, March 29th, 2026 clocks go from 02:00 to 03:00: the weekend is an hour shorter.
  EXPECT_TRUE(weekend.until(utc(2026, 3, 27, 15)));
  EXPECT_EQ(weekend.until(utc(2026, 3, 27, 15))->at, utc(2026, 3, 30, 6));
  EXPECT_EQ(weekend.until(utc(2026, 3, 29, 12))->text, "Mon 2026-03-30 08:00 CEST");
  // On October 25th they go back: it is an hour longer.
  EXPECT_FALSE(weekend.until(utc(2026, 10, 23, 13, 59)));
  EXPECT_EQ(weekend.until(utc(2026, 10, 23, 14))->at, utc(2026, 10, 26, 7));
}

TEST(Freeze, ATimeThatComesTwiceBeginsWithTheFirstAndEndsWithTheLast) {
  const Instant first = utc(2026, 10, 25, 0, 30), second = utc(2026, 10, 25, 1, 30);  // 02:30 in Berlin, both
  const Freeze from = window("Sun 02:30-Sun 05:00 Europe/Berlin");
  EXPECT_FALSE(from.until(first - 1min));
  EXPECT_TRUE(from.until(first));
  EXPECT_TRUE(from.until(second - 1min));
  const Freeze to = window("Sun 00:30-Sun 02:30 Europe/Berlin");
  EXPECT_EQ(to.until(first - 1min)->at, second);
  EXPECT_TRUE(to.until(first + 1min));
  EXPECT_FALSE(to.until(second));
}

TEST(Freeze, ATimeThatIsSkippedIsTheMomentOfTheChange) {
  const Instant change = utc(2026, 3, 29, 1);  // there is no 02:30 in Berlin
  const Freeze from = window("Sun 02:30-Sun 05:00 Europe/Berlin");
  EXPECT_FALSE(from.until(change - 1s));
  EXPECT_TRUE(from.until(change));
  const Freeze to = window("Sun 00:30-Sun 02:30 Europe/Berlin");
  EXPECT_EQ(to.until(change - 1s)->at, change);
  EXPECT_FALSE(to.until(change));
}

TEST(Freeze, MayCrossTheWeeksEnd) {
  const Freeze night = window("Sun 22:00-Mon 06:00 UTC");
  EXPECT_TRUE(night.until(utc(2026, 11, 22, 23)));
  EXPECT_TRUE(night.until(utc(2026, 11, 23, 5)));
  EXPECT_FALSE(night.until(utc(2026, 11, 23, 6)));
  EXPECT_FALSE(night.until(utc(2026, 11, 22, 21, 59)));
}

TEST(Freeze, IsNoneWhereThereIsNoSuchZone) {
  EXPECT_FALSE(Freeze::of(*config::parse_freeze_window("Fri 16:00-Mon 08:00 Europe/Atlantis")));
}

TEST(FrozenUntil, IsTheEndOfTheLastOfWindowsThatFollowUponEachOther) {
  const std::vector<Freeze> windows{window("Sun 00:00-Mon 08:00 UTC"), window("Fri 16:00-Sat 00:00 UTC"),
                                    window("Sat 00:00-Sun 00:00 UTC"), window("Wed 00:00-Thu 00:00 UTC")};
  EXPECT_EQ(frozen_until(windows, utc(2026, 11, 27, 17))->at, utc(2026, 11, 30, 8));
  EXPECT_EQ(frozen_until(windows, utc(2026, 11, 25, 17))->at, utc(2026, 11, 26, 0));
  EXPECT_FALSE(frozen_until(windows, utc(2026, 11, 26, 17)));
  EXPECT_FALSE(frozen_until({}, utc(2026, 11, 26, 17)));
}

TEST(FrozenUntil, OfWindowsThatCoverTheWholeWeekIsFarAway) {
  const std::vector<Freeze> windows{window("Mon 00:00-Thu 00:00 UTC"), window("Thu 00:00-Mon 00:00 UTC")};
  EXPECT_GT(frozen_until(windows, utc(2026, 11, 26, 17))->at, utc(2026, 12, 26, 0));
}

}  // namespace
}  // namespace weir::routing::rollout
