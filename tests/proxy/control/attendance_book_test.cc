#include "proxy/control/attendance_book.h"

#include <gtest/gtest.h>

#include "proxy/evidence/audience.h"
#include "tests/support/files.h"

namespace weir::control {
namespace {

using routing::rollout::Day;
using testing::Directory;

/// Splitmix64: hashes that know nothing of each other.
uint64_t hash_of(uint64_t user) {
  user = (user + 1) * 0x9e3779b97f4a7c15ULL;
  user = (user ^ (user >> 30)) * 0xbf58476d1ce4e5b9ULL;
  user = (user ^ (user >> 27)) * 0x94d049bb133111ebULL;
  return user ^ (user >> 31);
}

TEST(AttendanceBook, KnowsNothingBeforeADayIsWhole) {
  const Directory state;
  AttendanceBook book(state.path());
  evidence::Audience audience(2);
  for (unsigned window = 0; window + 1 < Day::kWindows; ++window) book.add("shop", audience.take());
  EXPECT_FALSE(book.last_day("shop"));
  EXPECT_FALSE(book.last_day("other"));
}

TEST(AttendanceBook, IsReadAgainInTheMiddleOfADayAndKeepsTheDayBefore) {
  const Directory state;
  evidence::Audience audience(2);
  for (unsigned window = 0; window < Day::kWindows + 100; ++window) {
    AttendanceBook book(state.path());  // as after a restart, each time
    for (uint64_t user = 0; user < 40; ++user) audience.saw(user % 2, hash_of(user));
    book.add("shop", audience.take());
    ASSERT_TRUE(book.save());
  }
  const auto day = AttendanceBook(state.path()).last_day("shop");
  ASSERT_TRUE(day);
  EXPECT_NEAR(day->in_window, 40, 2);
  EXPECT_NEAR(day->in_hour, 40, 2);
  EXPECT_NEAR(day->in_day, 40, 2);
}

TEST(AttendanceBook, ThatCannotBeWrittenSaysSo) {
  AttendanceBook book("/proc/nowhere");
  EXPECT_FALSE(book.save());
}

TEST(Audience, ForgetsWhomItWasAskedFor) {
  evidence::Audience audience(3);
  audience.saw(0, 7);
  audience.saw(2, 7);
  audience.saw(1, 64);
  std::vector<uint64_t> seen = audience.take();
  EXPECT_EQ(seen[0], uint64_t{1} << 7);
  EXPECT_EQ(seen[1], uint64_t{1});
  seen = audience.take();
  EXPECT_EQ(seen[0] | seen[1], 0U);
}

}  // namespace
}  // namespace weir::control
