#include "proxy/net/wheel.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace weir::net {
namespace {

constexpr Millis kStart{1'000'000};

class Alarm final : public Deadline {
 public:
  explicit Alarm(Wheel& wheel, std::function<void()> ring = {}) : Deadline(wheel), ring_(std::move(ring)) {}
  int rung = 0;

 private:
  void expire() override {
    ++rung;
    if (ring_) ring_();
  }
  std::function<void()> ring_;
};

class WheelTest : public ::testing::Test {
 protected:
  WheelTest() { wheel.advance(now); }
  void pass(Millis time) { wheel.advance(now += time); }
  Wheel wheel;
  Millis now = kStart;
};

TEST_F(WheelTest, NothingIsEverEarly) {
  for (int64_t wait = 0; wait < 450; wait += 7) {
    Alarm alarm(wheel);
    const Millis due = now + Millis(wait);
    alarm.set(due);
    while (alarm.rung == 0) {
      pass(Millis(1));
      ASSERT_LE(now, due + 2 * kTick) << wait;
    }
    EXPECT_GE(now, due) << wait;
  }
}

TEST_F(WheelTest, WhatIsSetAnewWhileItRingsRingsAgain) {
  Alarm* self = nullptr;
  Alarm alarm(wheel, [&] {
    if (self->rung < 3) self->set(now + Millis(300));
  });
  self = &alarm;
  alarm.set(now + Millis(300));
  for (int i = 0; i < 50; ++i) pass(kTick);
  EXPECT_EQ(alarm.rung, 3);
}

TEST_F(WheelTest, PushedBackItRingsOnceAtTheLastTimeSet) {
  Alarm alarm(wheel);
  for (int i = 0; i < 100; ++i) {
    alarm.set(now + Millis(1000));
    pass(kTick);
  }
  EXPECT_EQ(alarm.rung, 0);
  for (int i = 0; i < 12; ++i) pass(kTick);
  EXPECT_EQ(alarm.rung, 1);
}

TEST_F(WheelTest, DrawnForwardItRingsAtTheEarlierTime) {
  Alarm alarm(wheel);
  alarm.set(now + std::chrono::hours(1));
  alarm.set(now + Millis(200));
  pass(Millis(400));
  EXPECT_EQ(alarm.rung, 1);
}

TEST_F(WheelTest, ClearedOrGoneItNeverRings) {
  Alarm cleared(wheel);
  cleared.set(now + Millis(100));
  cleared.clear();
  {
    Alarm gone(wheel, [] { FAIL() << "rang after its end"; });
    gone.set(now + Millis(100));
  }
  pass(Millis(1000));
  EXPECT_EQ(cleared.rung, 0);
}

TEST_F(WheelTest, OneThatRingsMayEndAllTheOthersOfItsTick) {
  std::vector<std::unique_ptr<Alarm>> alarms(20);
  int rung = 0;
  for (auto& alarm : alarms) {
    alarm = std::make_unique<Alarm>(wheel, [&, self = &alarm] {
      ++rung;
      for (auto& other : alarms) {
        if (&other != self) other.reset();
      }
    });
    alarm->set(now + Millis(100));
  }
  pass(Millis(500));
  EXPECT_EQ(rung, 1);
}

TEST_F(WheelTest, OneThatRingsMayPushTheOthersOfItsTickBack) {
  Alarm late(wheel);
  Alarm first(wheel, [&] { late.set(now + Millis(5000)); });
  Alarm second(wheel, [&] { late.set(now + Millis(5000)); });
  first.set(now + Millis(100));
  late.set(now + Millis(100));
  second.set(now + Millis(100));
  pass(Millis(200));
  EXPECT_LE(late.rung, 1);  // it rang before it was pushed back, or not yet
  pass(Millis(4000));
  const int before = late.rung;
  pass(Millis(2000));
  EXPECT_EQ(late.rung, before + 1);
}

TEST_F(WheelTest, MoreThanATurnOfTheWheelAwayIsHeldInTime) {
  Alarm alarm(wheel);
  const Millis due = now + std::chrono::hours(1);
  alarm.set(due);
  while (now + kTick < due) pass(kTick);
  EXPECT_EQ(alarm.rung, 0);
  pass(2 * kTick);
  EXPECT_EQ(alarm.rung, 1);
}

TEST_F(WheelTest, AfterASleepLongerThanTheWheelAllThatIsDueRings) {
  for (const int ticks : {1000, 1023, 1024, 1025, 1500, 5000}) {
    std::vector<std::unique_ptr<Alarm>> alarms;
    for (int i = 1; i <= 999; ++i) {
      alarms.push_back(std::make_unique<Alarm>(wheel));
      alarms.back()->set(now + i * kTick);
    }
    pass(ticks * kTick);
    pass(kTick);
    for (const auto& alarm : alarms) ASSERT_EQ(alarm->rung, 1) << ticks;
  }
}

TEST(Wheel, AgreesWithANaiveModelOverAHundredThousandDeadlines) {
  constexpr int64_t kUnset = -1;
  std::mt19937 random(7);
  const auto up_to = [&](int64_t most) { return std::uniform_int_distribution<int64_t>(0, most)(random); };
  Wheel wheel;
  Millis now = kStart;
  wheel.advance(now);
  struct Held {
    std::unique_ptr<Alarm> alarm;
    int64_t latest = kUnset;  // the tick at which it has rung
    Millis when{};
    int rung = 0;
  };
  std::vector<Held> held(500);
  for (auto& one : held) one.alarm = std::make_unique<Alarm>(wheel);
  for (int set = 0; set < 100'000;) {
    for (int i = 0; i < 100; ++i, ++set) {
      Held& one = held[static_cast<size_t>(up_to(499))];
      const int64_t dice = up_to(19);
      if (dice == 0) {
        one = {std::make_unique<Alarm>(wheel)};
      } else if (dice == 1) {
        one.alarm->clear();
        one.latest = kUnset;
      } else {
        const Millis when = now + Millis(up_to(dice < 4 ? 400'000 : 3'000));
        one.alarm->set(when);
        one.when = when;
        one.latest = std::max((when.count() + 99) / 100, now.count() / 100 + 1);
      }
    }
    now += Millis(up_to(250));
    wheel.advance(now);
    for (size_t i = 0; i < held.size(); ++i) {
      Held& one = held[i];
      if (one.alarm->rung > one.rung) {
        ASSERT_EQ(one.alarm->rung, ++one.rung) << "once";
        ASSERT_NE(one.latest, kUnset) << "cleared, or rung before";
        ASSERT_LE(one.when, now) << "early";
        one.latest = kUnset;
      }
      ASSERT_TRUE(one.latest == kUnset || one.latest > now.count() / 100) << "deadline " << i << " is late";
    }
  }
}

struct SleepersAlarm final : Deadline {
  using Deadline::Deadline;
  void expire() override { rung = true; }
  bool rung = false;
};
TEST(Wheel, AfterALongSleepEverythingDueRingsAtOnce) {
  Wheel wheel;
  Millis now{1'000'000};
  wheel.advance(now);
  std::vector<std::unique_ptr<SleepersAlarm>> all;
  for (int i = 1; i < 1024; ++i) {
    all.push_back(std::make_unique<SleepersAlarm>(wheel));
    all.back()->set(now + i * kTick);
  }
  wheel.advance(now + 1024 * kTick);
  for (size_t i = 0; i < all.size(); ++i) EXPECT_TRUE(all[i]->rung) << i;
}

}  // namespace
}  // namespace weir::net
