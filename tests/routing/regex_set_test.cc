#include "routing/regex_set.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace weir::routing {
namespace {

RegexSet set_of(const std::vector<std::string>& patterns) {
  std::vector<std::shared_ptr<const RE2>> regexes;
  for (const std::string& pattern : patterns) regexes.push_back(compile_regex(pattern));
  return RegexSet(std::move(regexes));
}

std::vector<int> matches(const RegexSet& set, std::string_view subject) {
  std::vector<int> found{99};
  set.match(subject, found);
  std::sort(found.begin(), found.end());
  return found;
}

TEST(RegexSet, TellsAllThatMatchAnywhereInTheSubject) {
  const RegexSet set = set_of({"(?i)bot|crawler", "^curl/", "bot$", "never"});
  EXPECT_EQ(matches(set, "GoogleBot"), std::vector<int>{0});
  EXPECT_EQ(matches(set, "curl/8 bot"), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(matches(set, "Mozilla/5.0"), std::vector<int>{});
  EXPECT_EQ(matches(set, ""), std::vector<int>{});
}

TEST(RegexSet, ASubjectOverAKibibyteDoesNotMatch) {
  const RegexSet set = set_of({"bot"});
  const std::string longest = "bot" + std::string(kLargestSubject - 3, 'x');
  EXPECT_EQ(matches(set, longest), std::vector<int>{0});
  EXPECT_EQ(matches(set, longest + "x"), std::vector<int>{});
  EXPECT_TRUE(regex_matches(*compile_regex("bot"), longest));
  EXPECT_FALSE(regex_matches(*compile_regex("bot"), longest + "x"));
}

// Eight expressions of 60,000 instructions each are more than a set may hold.
TEST(RegexSet, OutOfMemoryIsNeverNoMatch) {
  std::vector<std::string> patterns;
  for (int i = 0; i < 8; ++i) patterns.push_back(std::to_string(i) + "\\pL{50}");
  const RegexSet set = set_of(patterns);
  ASSERT_FALSE(set.is_one_program());
  EXPECT_EQ(matches(set, "a 7" + std::string(50, 'x') + " 3" + std::string(50, 'y')), (std::vector<int>{3, 7}));
  EXPECT_EQ(matches(set, "7" + std::string(49, 'x')), std::vector<int>{});
  EXPECT_EQ(matches(set, "7" + std::string(kLargestSubject, 'x')), std::vector<int>{});
}

TEST(RegexSet, MeasuresItsWorstTimeByTheClockItIsGiven) {
  std::chrono::nanoseconds now{0};
  const Clock clock = [&now] { return now += std::chrono::microseconds(70); };
  EXPECT_EQ(set_of({"a+b"}).worst_time(clock, std::chrono::seconds(1)), std::chrono::microseconds(70));
}

TEST(RegexSet, StopsMeasuringAtItsLimit) {
  std::chrono::nanoseconds now{0};
  int asked = 0;
  const Clock clock = [&] { return ++asked, now += std::chrono::milliseconds(30); };
  EXPECT_EQ(set_of({"a+b"}).worst_time(clock, std::chrono::milliseconds(10)), std::chrono::milliseconds(30));
  EXPECT_LE(asked, 3);
}

TEST(Regex, WhatRE2RefusesSaysWhy) {
  EXPECT_FALSE(compile_regex("(")->ok());
  EXPECT_FALSE(compile_regex("(?=look)")->ok());
  EXPECT_NE(compile_regex("a{2,1}")->error(), "");
}

TEST(Regex, ReadsUtf8AndSurvivesWhatIsNone) {
  EXPECT_TRUE(regex_matches(*compile_regex("^caf.$"), "caf\xc3\xa9"));
  EXPECT_FALSE(regex_matches(*compile_regex("^caf.$"), "caf\xe9"));
  EXPECT_TRUE(regex_matches(*compile_regex("^caf"), "caf\xe9"));
}

}  // namespace
}  // namespace weir::routing
