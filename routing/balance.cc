#include "routing/balance.h"

#include <algorithm>

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

uint32_t less_loaded_of_two(std::span<const uint32_t> loads, uint32_t usable, uint64_t dice) {
  const uint32_t first = below(static_cast<uint32_t>(dice), usable);
  uint32_t second = below(static_cast<uint32_t>(dice >> 32), usable - 1);
  if (second >= first) ++second;  // a different one, still uniform
  const uint32_t a = usable_at(loads, first);
  const uint32_t b = usable_at(loads, second);
  return loads[b] < loads[a] ? b : a;
}

}  // namespace

uint32_t pick(config::Balance balance, std::span<const uint32_t> loads, uint64_t dice, uint32_t& turn) {
  const auto unusable = std::count(loads.begin(), loads.end(), kUnusable);
  const auto usable = static_cast<uint32_t>(loads.size() - static_cast<size_t>(unusable));
  if (usable == 0) return kNoEndpoint;
  if (balance == config::Balance::round_robin) return usable_at(loads, turn++ % usable);
  if (usable == 1) return usable_at(loads, 0);
  return less_loaded_of_two(loads, usable, dice);
}

}  // namespace weir::routing
