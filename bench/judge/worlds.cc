#include "bench/judge/worlds.h"

#include <fmt/format.h>

namespace weir::judge {

std::vector<World> healthy_worlds() {
  return {{.name = "nothing errs", .slow = 0},
          {.name = "0.1% of requests err", .errors = 0.001},
          {.name = "1% of requests err", .errors = 0.01},
          {.name = "0.2% of clients broken", .errors = 0.0005, .broken = 0.002},
          {.name = "1% of clients broken", .errors = 0.0005, .broken = 0.01},
          {.name = "daily wave", .rate = 30, .wave = 0.9, .errors = 0.002},
          {.name = "outages of both", .errors = 0.001, .outage = 0.4},
          {.name = "slow starts", .errors = 0.001, .slow_start = 0.5},
          {.name = "low traffic, 5/s", .users = 4'000, .rate = 5, .errors = 0.002}};
}

std::vector<World> barely_harmful_worlds() {
  return {{.name = "fails for 0.01% of users", .errors = 0.0005, .harmed = 0.0001},
          {.name = "fails for 0.04% of users", .errors = 0.0005, .harmed = 0.0004},
          {.name = "the same, 0.2% of clients broken", .errors = 0.0005, .broken = 0.002, .harmed = 0.0004}};
}

World harmful_world(double ratio, double rate) {
  return {.name = fmt::format("{}×, {}/s", ratio, rate), .rate = rate, .errors = 0.005, .ratio = ratio};
}

}  // namespace weir::judge
