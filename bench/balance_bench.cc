// The choice among 1 … 200 endpoints that can be used, or of which one cannot.
#include "routing/balance.h"

#include <benchmark/benchmark.h>

#include <random>
#include <vector>

namespace weir::routing {
namespace {

void pick_among(benchmark::State& state, std::vector<uint32_t> loads) {
  std::mt19937_64 chance(7);
  std::vector<uint64_t> dice(1024);
  for (uint64_t& one : dice) one = chance();
  uint32_t turn = 0;
  size_t next = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(pick(config::Balance::least_requests, loads, dice[next++ & 1023], turn));
}

void pick_of_all(benchmark::State& state) {
  pick_among(state, std::vector<uint32_t>(static_cast<size_t>(state.range(0)), 1));
}
BENCHMARK(pick_of_all)->ArgName("endpoints")->Arg(1)->Arg(2)->Arg(200);

void pick_beside_one_that_is_down(benchmark::State& state) {
  std::vector<uint32_t> loads(static_cast<size_t>(state.range(0)), 1);
  loads[0] = kUnusable;
  pick_among(state, loads);
}
BENCHMARK(pick_beside_one_that_is_down)->ArgName("endpoints")->Arg(2)->Arg(200);

}  // namespace
}  // namespace weir::routing
