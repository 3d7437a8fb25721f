#include "routing/balance.h"

#include <algorithm>
#include <vector>

namespace weir::routing {
namespace {

/// Index of the usable endpoint number `rank`, counted from 0.
uint32_t usable_at(std::span<const uint32_t> loads, uint32_t rank) {
  for (uint32_t i = 0; i < loads.size(); ++i) {
    if (loads[i] != kUnusable && rank-- == 0) return i;
  }
  return kNoEndpoint;
}

/// 32 random bits -> 0 … count-1 without a division.
uint32_t below(uint32_t random, uint32_t count) { return static_cast<uint32_t>((uint64_t{random} * count) >> 32); }

struct Two {
  uint32_t first, second;
};

/// Two different ones of 0 … count-1, every pair as likely.
Two two_of(uint32_t count, uint64_t dice) {
  const uint32_t first = below(static_cast<uint32_t>(dice), count);
  uint32_t second = below(static_cast<uint32_t>(dice >> 32), count - 1);
  if (second >= first) ++second;
  return {first, second};
}

uint32_t less_loaded(std::span<const uint32_t> loads, Two two) {
  return loads[two.second] < loads[two.first] ? two.second : two.first;
}

/// Other dice that these ones decide (splitmix64's finaliser).
uint64_t thrown_again(uint64_t dice) {
  dice = (dice ^ (dice >> 30)) * 0xbf58476d1ce4e5b9;
  dice = (dice ^ (dice >> 27)) * 0x94d049bb133111eb;
  return dice ^ (dice >> 31);
}

}  // namespace

uint32_t pick(config::Balance balance, std::span<const uint32_t> loads, uint64_t dice, uint32_t& turn) {
  if (balance == config::Balance::least_requests && loads.size() > 1) {
    // Mostly all can be used, and nothing has to be counted. A pair that is kept is any usable one as likely.
    const Two two = two_of(static_cast<uint32_t>(loads.size()), dice);
    if (loads[two.first] != kUnusable && loads[two.second] != kUnusable) return less_loaded(loads, two);
    dice = thrown_again(dice);
  }
  const auto unusable = std::count(loads.begin(), loads.end(), kUnusable);
  const auto usable = static_cast<uint32_t>(loads.size() - static_cast<size_t>(unusable));
  if (usable == 0) return kNoEndpoint;
  if (balance == config::Balance::round_robin) return usable_at(loads, turn++ % usable);
  if (usable == 1) return usable_at(loads, 0);
  const Two ranks = two_of(usable, dice);
  return less_loaded(loads, {usable_at(loads, ranks.first), usable_at(loads, ranks.second)});
}

uint32_t pick_weighted(config::Balance balance, std::span<const uint32_t> loads, std::span<const double> weights,
                       const std::function<uint64_t()>& roll, uint32_t& turn) {
  std::vector<uint32_t> left(loads.begin(), loads.end());
  uint32_t heaviest = kNoEndpoint;
  // Whoever is passed over leaves its turn to chance: to the next in turn, it would all go to one.
  for (;; balance = config::Balance::least_requests) {
    const uint32_t drawn = pick(balance, left, roll(), turn);
    if (drawn == kNoEndpoint) return heaviest;  // all were passed over: chance has no say any more
    if (static_cast<double>(roll() >> 11) * 0x1p-53 < weights[drawn]) return drawn;
    if (heaviest == kNoEndpoint || weights[drawn] > weights[heaviest]) heaviest = drawn;
    left[drawn] = kUnusable;
  }
}

}  // namespace weir::routing
