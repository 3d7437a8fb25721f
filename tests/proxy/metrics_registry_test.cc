#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "proxy/metrics/registry.h"
#include "proxy/metrics/summary.h"

namespace weir::metrics {
namespace {

using namespace std::chrono_literals;

Names names() {
  Names names;
  names.decided_by = {"rule", "split", "without_key", "override", "fallback"};
  names.errors = {"connection_refused"};
  return names;
}

TEST(Counter, HasOneWriterAndAnyReader) {
  Counter counter;
  std::thread writer([&] {
    for (int i = 0; i < 100'000; ++i) counter.add();
  });
  uint64_t before = 0;
  while (before < 100'000) {
    const uint64_t now = counter.value();
    ASSERT_GE(now, before);
    before = now;
  }
  writer.join();
  EXPECT_EQ(counter.value(), 100'000u);
}

TEST(Gauge, GoesUpAndDownAndBelowZero) {
  Gauge gauge;
  gauge.add(3);
  gauge.sub();
  EXPECT_EQ(gauge.value(), 2);
  gauge.sub(5);
  EXPECT_EQ(gauge.value(), -3);
}

TEST(Registry, TheSameNameIsTheSameSeriesWhileSomebodyHoldsIt) {
  Registry registry(2, names());
  const auto first = registry.version("shop", "old");
  first->shard(1).requests[2][kBySplit].add(7);
  EXPECT_EQ(registry.version("shop", "old"), first);
  EXPECT_NE(registry.version("shop", "new"), first);
  EXPECT_NE(registry.version("search", "old"), first);
  EXPECT_EQ(registry.version("shop", "old")->shard(1).requests[2][kBySplit].value(), 7u);
}

TEST(Registry, ASeriesThatNobodyHoldsIsFreedAndForgotten) {
  Registry registry(2, names());
  auto series = registry.version("shop", "old");
  series->shard(0).in_flight.add();
  const std::weak_ptr<VersionSeries> watch = series;
  series.reset();
  EXPECT_TRUE(watch.expired());
  EXPECT_TRUE(registry.versions().empty());
  EXPECT_EQ(registry.version("shop", "old")->shard(0).in_flight.value(), 0);
}

TEST(Registry, ASeriesOutlivesTheRegistryThatGaveIt) {
  auto registry = std::make_unique<Registry>(1, names());
  const auto series = registry->rule("shop", "staff");
  registry.reset();
  series->shard(0).hits.add();
  EXPECT_EQ(series->shard(0).hits.value(), 1u);
}

TEST(Registry, ASeriesMayBeDroppedOnAnyThread) {
  Registry registry(1, names());
  for (int i = 0; i < 200; ++i) {
    auto series = registry.listener("edge");
    std::thread dropper([series = std::move(series)]() mutable { series.reset(); });
    ASSERT_LE(registry.listeners().size(), 1u);
    ASSERT_NE(registry.listener("edge"), nullptr);
    dropper.join();
  }
}

TEST(Registry, SeriesAreListedByName) {
  Registry registry(1, names());
  const auto b = registry.version("shop", "new"), a = registry.version("search", "old"),
             c = registry.version("shop", "old");
  const auto live = registry.versions();
  ASSERT_EQ(live.size(), 3u);
  EXPECT_EQ(live[0], a);
  EXPECT_EQ(live[1], b);
  EXPECT_EQ(live[2], c);
}

TEST(Registry, ShardsOfTwoWorkersShareNoCacheLine) {
  Registry registry(2, names());
  const auto rule = registry.rule("shop", "staff");
  const auto distance = reinterpret_cast<uintptr_t>(&rule->shard(1)) - reinterpret_cast<uintptr_t>(&rule->shard(0));
  EXPECT_GE(distance, kCacheLine);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(&rule->shard(0)) % kCacheLine, 0u);
}

TEST(Registry, NamesThatDoNotFitAreRefused) {
  Names too_many = names();
  too_many.errors.resize(kMaxErrors + 1);
  EXPECT_THROW(Registry(1, too_many), std::invalid_argument);
  Names other_order = names();
  std::swap(other_order.decided_by[0], other_order.decided_by[1]);
  EXPECT_THROW(Registry(1, other_order), std::invalid_argument);
}

class SummaryTest : public ::testing::Test {
 protected:
  void serve(VersionSeries& version, size_t worker, size_t code, size_t by, std::chrono::nanoseconds took) {
    version.shard(worker).requests[code][by].add();
    version.shard(worker).duration.record(took);
  }

  Registry registry_{2, names()};
  std::shared_ptr<VersionSeries> old_ = registry_.version("shop", "old");
  std::shared_ptr<VersionSeries> new_ = registry_.version("shop", "new");
};

TEST_F(SummaryTest, AddsUpTheWorkers) {
  serve(*old_, 0, 2, kBySplit, 1ms);
  serve(*old_, 1, 2, kBySplit, 1ms);
  serve(*old_, 1, 5, 0, 3ms);
  serve(*old_, 1, 0, 0, 3ms);
  old_->shard(0).errors[0].add(2);
  old_->shard(0).in_flight.add(4);
  old_->shard(1).in_flight.sub(1);
  const Summary summary = summarize(registry_);
  const VersionSummary* shop = find(summary, "shop", "old");
  ASSERT_NE(shop, nullptr);
  EXPECT_EQ(shop->total(), 4u);
  EXPECT_EQ(shop->requests[2], 2u);
  EXPECT_EQ(shop->failed(), 2u);
  EXPECT_EQ(shop->decided[kBySplit], 2u);
  EXPECT_EQ(shop->errors, 2u);
  EXPECT_EQ(shop->in_flight, 3);
  EXPECT_EQ(shop->duration.count(), 4u);
  EXPECT_EQ(find(summary, "shop", "newer"), nullptr);
}

TEST_F(SummaryTest, TheSeenShareIsThatOfRequestsDecidedByTheSplit) {
  EXPECT_EQ(seen_share(summarize(registry_), "shop", "new"), 0);
  for (int i = 0; i < 30; ++i) serve(*old_, 0, 2, kBySplit, 1ms);
  for (int i = 0; i < 10; ++i) serve(*new_, 1, 2, kBySplit, 1ms);
  for (int i = 0; i < 500; ++i) serve(*new_, 1, 2, 0, 1ms);  // forced by a rule
  EXPECT_DOUBLE_EQ(seen_share(summarize(registry_), "shop", "new"), 0.25);
}

TEST_F(SummaryTest, AnIntervalIsTheDifferenceOfTwoSummaries) {
  for (int i = 0; i < 100; ++i) serve(*old_, 0, 2, kBySplit, 1ms);
  const Summary before = summarize(registry_);
  for (int i = 0; i < 10; ++i) serve(*old_, 1, 5, kBySplit, 1s);
  old_->shard(1).in_flight.add(2);
  const Summary interval = since(summarize(registry_), before);
  const VersionSummary* shop = find(interval, "shop", "old");
  ASSERT_NE(shop, nullptr);
  EXPECT_EQ(shop->total(), 10u);
  EXPECT_EQ(shop->requests[5], 10u);
  EXPECT_EQ(shop->in_flight, 2);
  EXPECT_GT(shop->duration.quantile(0.5), 980ms);
}

TEST_F(SummaryTest, ASeriesThatBeganAnewCountsFromZero) {
  for (int i = 0; i < 100; ++i) serve(*old_, 0, 2, kBySplit, 1ms);
  const Summary before = summarize(registry_);
  old_.reset();
  old_ = registry_.version("shop", "old");
  for (int i = 0; i < 5; ++i) serve(*old_, 0, 2, kBySplit, 1ms);
  const Summary interval = since(summarize(registry_), before);
  EXPECT_EQ(find(interval, "shop", "old")->total(), 5u);
  EXPECT_EQ(find(interval, "shop", "old")->duration.count(), 5u);
}

}  // namespace
}  // namespace weir::metrics
