// Cohort key -> bucket. First mark: under 15 ns.
#include "routing/bucket.h"

#include <benchmark/benchmark.h>

#include <string>

namespace weir::routing {
namespace {

void bucket(benchmark::State& state) {
  const std::string key(static_cast<size_t>(state.range(0)), 'k');
  const Seed seed = seed_of("shop-2026-11");
  for (auto _ : state) benchmark::DoNotOptimize(bucket_of(key, seed));
}
BENCHMARK(bucket)->ArgName("key_bytes")->Arg(8)->Arg(16)->Arg(36)->Arg(128);

}  // namespace
}  // namespace weir::routing
