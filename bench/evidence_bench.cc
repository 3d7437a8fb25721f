// What a good request costs where a rollout is judged: who was seen, and that it was answered.
#include <benchmark/benchmark.h>

#include "proxy/evidence/tally.h"

namespace weir::evidence {
namespace {

void BM_AGoodRequestIsCounted(benchmark::State& state) {
  Tally tally(1, {.share = config::Share{100'000}, .slow = std::chrono::milliseconds(50)}, std::make_shared<Bell>());
  uint64_t user = 1;
  for (auto _ : state) {
    user = user * 6364136223846793005 + 1442695040888963407;
    const Side side = user >> 63 == 0 ? Side::kStable : Side::kCandidate;
    tally.answered(0, side, user >> 20, false, std::chrono::milliseconds(3));
  }
}
BENCHMARK(BM_AGoodRequestIsCounted);

/// A user who errs again and again is told once.
void BM_ARepeatedErrorIsLeftOut(benchmark::State& state) {
  Tally tally(1, {.share = config::Share{100'000}}, std::make_shared<Bell>());
  for (auto _ : state) tally.bad(0, {.metric = Metric::errors, .user = 42, .candidate = true});
}
BENCHMARK(BM_ARepeatedErrorIsLeftOut);

}  // namespace
}  // namespace weir::evidence
