#include "routing/regex_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

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

TEST(RegexSet, AgreesWithEachExpressionAskedByItself) {
  const std::vector<std::string> pieces = {"bot",      "Bot", "spider", "a", "k",    ".",         "[ab]+", "x?",
                                           "(?i:rob)", "^",   "$",      "|", "b{2}", "\\bcat\\b", "é"};
  const std::vector<std::string> words = {"bot", "BOT", "spide", "spider",       "a", "b", "rOb", "x",
                                          "cat", " ",   "é",     "\xe2\x84\xaa", "K", "\n"};
  std::mt19937 random(5);
  const auto some = [&](const std::vector<std::string>& from, uint32_t most) {
    std::string text;
    for (uint32_t i = random() % (most + 1); i > 0; --i) text += from[random() % from.size()];
    return text;
  };
  int matched = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> patterns;
    for (uint32_t i = 0, n = 1 + random() % 4; i < n; ++i) {
      const std::string pattern = (random() % 3 == 0 ? "(?i)" : "") + some(pieces, 4);
      if (compile_regex(pattern)->ok()) patterns.push_back(pattern);
    }
    const RegexSet set = set_of(patterns);
    for (int query = 0; query < 40; ++query) {
      const std::string subject = some(words, 8);
      std::vector<int> expected;
      for (size_t i = 0; i < patterns.size(); ++i) {
        if (regex_matches(*compile_regex(patterns[i]), subject)) expected.push_back(static_cast<int>(i));
      }
      ASSERT_EQ(matches(set, subject), expected) << subject;
      matched += expected.empty() ? 0 : 1;
    }
  }
  EXPECT_GT(matched, 1000) << "the words are worth asking with";
}

TEST(LiteralFilter, LetsNothingThroughThatLacksEveryLiteral) {
  const LiteralFilter filter({compile_regex("(?i)bot|crawler"), compile_regex("^curl/[0-9]")});
  EXPECT_FALSE(filter.may_match("Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120"));
  EXPECT_TRUE(filter.may_match("GoogleBOT"));
  EXPECT_TRUE(filter.may_match("curl/8"));
  EXPECT_FALSE(filter.may_match(""));
}

TEST(LiteralFilter, AnExpressionWithoutLiteralsLetsEverythingThrough) {
  EXPECT_TRUE(LiteralFilter({compile_regex("bot"), compile_regex("[0-9]+")}).may_match("x"));
  EXPECT_TRUE(LiteralFilter({compile_regex("")}).may_match(""));
}

TEST(LiteralFilter, BeyondAsciiEverythingMayMatch) {
  const LiteralFilter filter({compile_regex("(?i)kkk")});
  EXPECT_TRUE(regex_matches(*compile_regex("(?i)kkk"), "\xe2\x84\xaa\xe2\x84\xaak"));
  EXPECT_TRUE(filter.may_match("\xe2\x84\xaa\xe2\x84\xaak"));
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
  EXPECT_LE(asked, 4);
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
