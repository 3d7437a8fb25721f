#include "proxy/log/repeats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

namespace weir::log {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Time = spdlog::log_clock::time_point;

/// Lines that came out, each after its level.
class RepeatsTest : public ::testing::Test {
 protected:
  RepeatsTest() {
    auto inner = std::make_shared<spdlog::sinks::ostream_sink_mt>(text_);
    inner->set_pattern("%l %v");
    repeats_ = std::make_unique<Repeats>(inner);
  }

  void say(Time when, const std::string& text, spdlog::level::level_enum level = spdlog::level::err) {
    repeats_->log(spdlog::details::log_msg(when, {}, "weir", level, text));
  }

  std::vector<std::string> lines() {
    std::vector<std::string> all;
    std::istringstream in(text_.str());
    for (std::string line; std::getline(in, line);) all.push_back(line);
    text_.str("");
    return all;
  }

  std::ostringstream text_;
  std::unique_ptr<Repeats> repeats_;
  const Time begin_ = spdlog::log_clock::now() - 1h;
};

TEST_F(RepeatsTest, OfEqualLinesAFewPassAndTheOthersAreCounted) {
  for (int i = 0; i < 42; ++i) say(begin_ + i * 10ms, "it hurts");
  EXPECT_THAT(lines(),
              ElementsAre("error it hurts", "error it hurts", "error it hurts", "error it hurts", "error it hurts"));
  say(begin_ + 9s, "another");
  EXPECT_THAT(lines(), ElementsAre("error another")) << "the time is not over";
  say(begin_ + 10s, "later", spdlog::level::info);
  EXPECT_THAT(lines(), ElementsAre("error 37 more of these in 10 s: it hurts", "info later"));
}

TEST_F(RepeatsTest, WhatIsSaidLessOftenIsNeverCounted) {
  for (int i = 0; i < 20; ++i) say(begin_ + i * 2500ms, "now and then", spdlog::level::warn);
  EXPECT_EQ(lines(), std::vector<std::string>(20, "warning now and then"));
}

TEST_F(RepeatsTest, TheNextTenSecondsBeginAnew) {
  for (int i = 0; i < 8; ++i) say(begin_, "it hurts");
  for (int i = 0; i < 6; ++i) say(begin_ + 11s, "it hurts");
  EXPECT_EQ(lines().size(), 5u + 1 + 5);
}

TEST_F(RepeatsTest, NobodyHasToSayAnythingMoreForTheCountToBeTold) {
  for (int i = 0; i < 7; ++i) say(begin_, "it hurts");
  lines();
  repeats_->flush();
  EXPECT_THAT(lines(), ElementsAre("error 2 more of these in 10 s: it hurts"));
  repeats_->flush();
  EXPECT_THAT(lines(), IsEmpty());
}

TEST_F(RepeatsTest, AClockThatIsSetBackSilencesNobody) {
  for (int i = 0; i < 7; ++i) say(begin_, "it hurts");
  lines();
  say(begin_ - 30min, "it hurts");
  EXPECT_THAT(lines(), ElementsAre("error 2 more of these in 10 s: it hurts", "error it hurts"));
}

TEST_F(RepeatsTest, AtTheEndTheCountIsTold) {
  for (int i = 0; i < 6; ++i) say(spdlog::log_clock::now(), "it hurts");
  lines();
  repeats_.reset();
  EXPECT_THAT(lines(), ElementsAre("error 1 more of these in 10 s: it hurts"));
}

TEST_F(RepeatsTest, AFloodOfDifferentLinesPassesAndIsNotKept) {
  for (int i = 0; i < 3000; ++i) say(begin_, "line " + std::to_string(i));
  EXPECT_EQ(lines().size(), 3000u);
}

}  // namespace
}  // namespace weir::log
