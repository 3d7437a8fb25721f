#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "proxy/metrics/histogram.h"

namespace weir::metrics {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

HistogramSnapshot snapshot_of(const Histogram& histogram) {
  HistogramSnapshot snapshot;
  snapshot.add(histogram);
  return snapshot;
}

double relative_error(nanoseconds told, nanoseconds exact) {
  return std::abs(static_cast<double>(told.count() - exact.count())) / static_cast<double>(exact.count());
}

nanoseconds exact_quantile(const std::vector<nanoseconds>& sorted, double q) {
  const auto rank = static_cast<size_t>(std::ceil(q * static_cast<double>(sorted.size())));
  return sorted[std::clamp<size_t>(rank, 1, sorted.size()) - 1];
}

struct Distribution {
  const char* name;
  std::function<double(std::mt19937_64&)> draw;  // nanoseconds
};

std::vector<Distribution> distributions() {
  return {
      {"uniform from 1 us to 1 s", std::uniform_real_distribution<double>(1e3, 1e9)},
      {"exponential around 2 ms", std::exponential_distribution<double>(1 / 2e6)},
      {"log-normal around 500 us", std::lognormal_distribution<double>(std::log(5e5), 1.0)},
      {"log-normal around 20 s", std::lognormal_distribution<double>(std::log(2e10), 1.2)},
      {"microseconds only", std::uniform_real_distribution<double>(1e3, 5e3)},
      {"two humps",
       [](std::mt19937_64& chance) {
         const bool slow = chance() % 50 == 0;
         return std::normal_distribution<double>(slow ? 3e9 : 8e5, slow ? 2e8 : 5e4)(chance);
       }},
  };
}

TEST(Histogram, QuantilesAreWithinTwoPercentOfTheExactOnes) {
  for (auto& distribution : distributions()) {
    std::mt19937_64 chance(11);
    Histogram histogram;
    std::vector<nanoseconds> exact;
    for (int i = 0; i < 50'000; ++i) {
      const nanoseconds value(static_cast<int64_t>(std::clamp(distribution.draw(chance), 1e3, 3.6e12)));
      histogram.record(value);
      exact.push_back(value);
    }
    std::sort(exact.begin(), exact.end());
    const auto snapshot = snapshot_of(histogram);
    for (const double q : {0.0, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      EXPECT_LT(relative_error(snapshot.quantile(q), exact_quantile(exact, q)), 0.02)
          << distribution.name << ", quantile " << q;
    }
  }
}

TEST(Histogram, EveryDurationFromAMicrosecondToAnHourIsToldWithinTwoPercent) {
  for (double value = 1e3; value <= 3.6e12; value *= 1.003) {
    const nanoseconds exact(static_cast<int64_t>(value));
    Histogram histogram;
    histogram.record(exact);
    ASSERT_LT(relative_error(snapshot_of(histogram).quantile(0.5), exact), 0.02) << value << " ns";
  }
}

TEST(Histogram, BucketsFollowOneAnotherWithoutGapOrOverlap) {
  using Layout = HistogramLayout;
  uint64_t next = 0;
  for (size_t row = 0; row < Layout::kRows; ++row) {
    for (size_t column = 0; column < Layout::kColumns; ++column) {
      ASSERT_EQ(Layout::lower(row, column), next);
      next += Layout::width(row);
      for (const uint64_t inside : {Layout::lower(row, column), next - 1}) {
        ASSERT_EQ(Layout::place(inside).row, row) << inside;
        ASSERT_EQ(Layout::place(inside).column, column) << inside;
      }
    }
  }
  EXPECT_GT(next, Layout::kMax);
}

TEST(Histogram, CountAndSumAreExact) {
  Histogram histogram;
  histogram.record(1500us);
  histogram.record(2ms);
  histogram.record(7ns);
  const auto snapshot = snapshot_of(histogram);
  EXPECT_EQ(snapshot.count(), 3u);
  EXPECT_EQ(snapshot.sum(), 3'500'007ns);
}

TEST(Histogram, WhatIsOutOfRangeCountsAtItsEdges) {
  Histogram histogram;
  histogram.record(-5s);
  histogram.record(1000h);
  const auto snapshot = snapshot_of(histogram);
  EXPECT_EQ(snapshot.count(), 2u);
  EXPECT_LT(snapshot.quantile(0), 1us);
  EXPECT_LT(relative_error(snapshot.quantile(1), 1h), 0.02);
  EXPECT_EQ(snapshot.sum(), 1h);
  EXPECT_EQ(snapshot.count_at_or_below(1h), 2u);
}

TEST(Histogram, AnEmptyOneAnswersZero) {
  const HistogramSnapshot empty = snapshot_of(Histogram());
  EXPECT_EQ(empty.count(), 0u);
  EXPECT_EQ(empty.quantile(0.99), 0ns);
  EXPECT_EQ(empty.count_at_or_below(1h), 0u);
}

TEST(Histogram, CountsBelowABoundNeverShrinkWithTheBound) {
  std::mt19937_64 chance(3);
  std::lognormal_distribution<double> shape(std::log(1e6), 2.0);
  Histogram histogram;
  for (int i = 0; i < 20'000; ++i) histogram.record(nanoseconds(static_cast<int64_t>(shape(chance))));
  const auto snapshot = snapshot_of(histogram);
  uint64_t before = 0;
  for (double bound = 10; bound < 4e12; bound *= 1.01) {
    const uint64_t count = snapshot.count_at_or_below(nanoseconds(static_cast<int64_t>(bound)));
    ASSERT_GE(count, before) << bound;
    before = count;
  }
  EXPECT_EQ(before, snapshot.count());
}

TEST(Histogram, CountsBelowABoundAreThoseOfABoundTwoPercentAway) {
  std::mt19937_64 chance(5);
  std::exponential_distribution<double> shape(1 / 1e7);
  Histogram histogram;
  std::vector<nanoseconds> exact;
  for (int i = 0; i < 20'000; ++i) {
    exact.emplace_back(static_cast<int64_t>(shape(chance)));
    histogram.record(exact.back());
  }
  const auto snapshot = snapshot_of(histogram);
  const auto exactly = [&](double bound) {
    return static_cast<uint64_t>(std::count_if(
        exact.begin(), exact.end(), [&](nanoseconds value) { return static_cast<double>(value.count()) <= bound; }));
  };
  for (const double bound : {1e5, 1e6, 5e6, 1e7, 2.5e7, 1e8}) {
    const uint64_t told = snapshot.count_at_or_below(nanoseconds(static_cast<int64_t>(bound)));
    EXPECT_GE(told, exactly(bound * 0.98));
    EXPECT_LE(told, exactly(bound * 1.02));
  }
}

TEST(Histogram, SeveralShardsAddUpToOne) {
  Histogram first, second, together;
  for (int i = 1; i <= 1000; ++i) {
    (i % 3 == 0 ? first : second).record(i * 37us);
    together.record(i * 37us);
  }
  HistogramSnapshot merged = snapshot_of(first);
  merged.add(second);
  const auto one = snapshot_of(together);
  EXPECT_EQ(merged.count(), one.count());
  EXPECT_EQ(merged.sum(), one.sum());
  EXPECT_EQ(merged.quantile(0.9), one.quantile(0.9));
}

TEST(Histogram, AnIntervalHoldsOnlyWhatCameInIt) {
  Histogram histogram;
  for (int i = 0; i < 100; ++i) histogram.record(1ms);
  const auto before = snapshot_of(histogram);
  for (int i = 0; i < 10; ++i) histogram.record(1s);
  const auto interval = snapshot_of(histogram).since(before);
  EXPECT_EQ(interval.count(), 10u);
  EXPECT_EQ(interval.sum(), 10s);
  EXPECT_LT(relative_error(interval.quantile(0.01), 1s), 0.02);
}

TEST(Histogram, IsReadWhileItIsWritten) {
  Histogram histogram;
  std::atomic<bool> begun{false};
  std::thread writer([&] {
    begun = true;
    for (int i = 0; i < 200'000; ++i) histogram.record(nanoseconds(int64_t{1} << (i % 40)));
  });
  while (!begun) std::this_thread::yield();
  uint64_t before = 0;
  while (before < 200'000) {
    const auto snapshot = snapshot_of(histogram);
    ASSERT_GE(snapshot.count(), before);
    ASSERT_EQ(snapshot.count_at_or_below(1h), snapshot.count());
    before = snapshot.count();
  }
  writer.join();
  EXPECT_EQ(before, 200'000u);
}

}  // namespace
}  // namespace weir::metrics
