#include "proxy/net/punctual.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "tests/proxy/net/turning.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;

class Ring final : public Punctual::Entry {
 public:
  Ring(Punctual& all, std::vector<const Ring*>& order) : Entry(all), order_(order) {}
  void in(Nanos time) {
    due = monotonic() + time;
    set(due);
  }
  Nanos due{}, rang{};

 private:
  void expire() override {
    rang = monotonic();
    order_.push_back(this);
  }
  std::vector<const Ring*>& order_;
};

class PunctualTest : public ::testing::Test {
 protected:
  std::unique_ptr<Ring> ring() { return std::make_unique<Ring>(punctual, order); }
  Loop loop;
  Punctual punctual{loop};
  std::vector<const Ring*> order;
};

TEST_F(PunctualTest, NothingIsEverEarlyAndTheSoonestComesFirst) {
  std::minstd_rand dice(7);
  std::vector<std::unique_ptr<Ring>> rings;
  for (int i = 0; i < 200; ++i) {
    rings.push_back(ring());
    rings.back()->in(std::chrono::microseconds(dice() % 40'000));
  }
  ASSERT_TRUE(turn_until(loop, [&] { return order.size() == rings.size(); }));
  for (size_t i = 0; i < order.size(); ++i) {
    EXPECT_GE(order[i]->rang, order[i]->due);
    if (i > 0) EXPECT_LE(order[i - 1]->due, order[i]->due);
  }
}

TEST_F(PunctualTest, ATimerThatWasSetFurtherAheadIsSetBack) {
  const auto late = ring(), soon = ring();
  late->in(1h);
  soon->in(1ms);
  ASSERT_TRUE(turn_until(loop, [&] { return order.size() == 1; }));
  EXPECT_EQ(order.front(), soon.get());
}

TEST_F(PunctualTest, WhatIsClearedOrGoneNeverRings) {
  auto cleared = ring(), gone = ring();
  const auto last = ring();
  cleared->in(1ms);
  gone->in(1ms);
  last->in(5ms);
  cleared->clear();
  gone.reset();
  ASSERT_TRUE(turn_until(loop, [&] { return !order.empty(); }));
  EXPECT_EQ(order, std::vector<const Ring*>{last.get()});
}

TEST_F(PunctualTest, WhatIsSetAgainRingsOnceAndThen) {
  const auto one = ring(), other = ring();
  one->in(1ms);
  other->in(20ms);
  one->in(40ms);
  ASSERT_TRUE(turn_until(loop, [&] { return order.size() == 2; }));
  EXPECT_EQ(order, (std::vector<const Ring*>{other.get(), one.get()}));
  EXPECT_GE(one->rang, one->due);
}

}  // namespace
}  // namespace weir::net
