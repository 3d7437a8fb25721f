#include "bench/judge/simulate.h"

#include <algorithm>
#include <unordered_set>

namespace weir::judge {

namespace {

constexpr double kWatched = 0.25;  // the stage by which harm should be seen
constexpr uint64_t kEnough = 200;  // users that erred by then

}  // namespace

Ending simulate(const World& world, MakeGate make, uint64_t seed, double hours) {
  Traffic traffic(world, seed);
  const auto gate = make();
  std::unordered_set<uint64_t> harmed, erred;
  Ending ending;
  double share = gate->share(), in_stage = 0;
  for (; ending.seconds < hours * 3600; ++ending.seconds, ++in_stage) {
    const uint64_t requests = traffic.requests(ending.seconds);
    for (uint64_t i = 0; i < requests && gate->now() == Now::climbing; ++i) {
      const Asked asked = traffic.ask(ending.seconds, in_stage, gate->share());
      if (asked.failed && asked.candidate) harmed.insert(asked.user);
      if (asked.failed && share <= kWatched) erred.insert(asked.user);
      gate->take(asked);
    }
    gate->tick();
    ending.now = gate->now();
    if (ending.now != Now::climbing) break;
    if (gate->share() != share) in_stage = 0;
    share = gate->share();
    ending.share = std::max(ending.share, share);
  }
  if (ending.now == Now::everybody) ending.share = 1;
  ending.harmed = harmed.size();
  ending.erred_by_25 = erred.size();
  return ending;
}

void Tally::add(const Ending& ending) {
  ++runs;
  rolled_back += ending.now == Now::rolled_back;
  paused += ending.now == Now::paused;
  everybody += ending.now == Now::everybody;
  if (ending.now == Now::everybody) minutes.push_back(ending.seconds / 60);
  harmed.push_back(static_cast<double>(ending.harmed));
  if (ending.erred_by_25 < kEnough) return;
  ++judged_at_25;
  caught_by_25 += ending.share <= kWatched;
}

void Tally::add(const Tally& other) {
  runs += other.runs;
  rolled_back += other.rolled_back;
  paused += other.paused;
  everybody += other.everybody;
  judged_at_25 += other.judged_at_25;
  caught_by_25 += other.caught_by_25;
  minutes.insert(minutes.end(), other.minutes.begin(), other.minutes.end());
  harmed.insert(harmed.end(), other.harmed.begin(), other.harmed.end());
}

Tally simulate_many(const World& world, MakeGate make, uint64_t runs, double hours, uint64_t seed) {
  Tally tally;
  for (uint64_t run = 0; run < runs; ++run) tally.add(simulate(world, make, mixed(seed + run), hours));
  return tally;
}

}  // namespace weir::judge
