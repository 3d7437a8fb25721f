// What one duration costs the request's path, and what a reader pays for a snapshot.
#include <benchmark/benchmark.h>

#include <array>
#include <chrono>
#include <cmath>
#include <random>

#include "proxy/metrics/histogram.h"

namespace {

using std::chrono::nanoseconds;

/// Durations as a proxy sees them: log-normal around half a millisecond.
std::array<nanoseconds, 4096> durations() {
  std::mt19937_64 chance(7);
  std::lognormal_distribution<double> shape(std::log(500'000.0), 0.7);
  std::array<nanoseconds, 4096> all;
  for (auto& one : all) one = nanoseconds(static_cast<int64_t>(shape(chance)));
  return all;
}

void record(benchmark::State& state) {
  const auto all = durations();
  weir::metrics::Histogram histogram;
  size_t next = 0;
  for (auto _ : state) histogram.record(all[next++ & (all.size() - 1)]);
  benchmark::DoNotOptimize(histogram);
}
BENCHMARK(record);

void snapshot_and_p99(benchmark::State& state) {
  const auto all = durations();
  weir::metrics::Histogram histogram;
  for (const auto& one : all) histogram.record(one);
  for (auto _ : state) {
    weir::metrics::HistogramSnapshot snapshot;
    snapshot.add(histogram);
    benchmark::DoNotOptimize(snapshot.quantile(0.99));
  }
}
BENCHMARK(snapshot_and_p99);

}  // namespace
