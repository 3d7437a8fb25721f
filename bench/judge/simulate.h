// Whole rollouts of one world under one gate, and what came of them.
#pragma once

#include <vector>

#include "bench/judge/gate.h"

namespace weir::judge {

struct Ending {
  Now now = Now::climbing;
  double seconds = 0;        // until it ended
  double share = 0;          // the greatest that the candidate had before
  uint64_t harmed = 0;       // users that erred on the candidate
  uint64_t erred_by_25 = 0;  // users that erred on either version while the candidate had 25% or less
};

using MakeGate = std::unique_ptr<Gate> (*)();

/// Ends when everybody is on the candidate, it was rolled back or paused, or after `hours`.
Ending simulate(const World& world, MakeGate make, uint64_t seed, double hours);

/// What came of many.
struct Tally {
  uint64_t runs = 0, rolled_back = 0, paused = 0, everybody = 0;
  uint64_t judged_at_25 = 0, caught_by_25 = 0;  // of the runs with 200 users that erred by then
  std::vector<double> minutes;                  // to everybody
  std::vector<double> harmed;                   // users

  void add(const Ending& ending);
  void add(const Tally& other);
};

Tally simulate_many(const World& world, MakeGate make, uint64_t runs, double hours, uint64_t seed);

}  // namespace weir::judge
