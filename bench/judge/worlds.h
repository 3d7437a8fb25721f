// The worlds that rollouts are judged on.
#pragma once

#include <vector>

#include "bench/judge/world.h"

namespace weir::judge {

/// The candidate is as good as the stable version.
std::vector<World> healthy_worlds();
/// It fails for fewer than 0.05% of its users.
std::vector<World> barely_harmful_worlds();
/// It errs `ratio` times as often.
World harmful_world(double ratio, double rate);

}  // namespace weir::judge
