#include "bench/judge/world.h"

#include <bit>
#include <cmath>

namespace weir::judge {

namespace {

constexpr double kDay = 86'400;
constexpr double kBusier = 5;  // a broken client asks so many times as often
constexpr double kSlowStart = 20;

/// A property that a part of the users has, whatever the version.
bool has(uint64_t user, uint64_t property, double part) {
  return part > 0 && static_cast<double>(mixed(user ^ property) >> 11) * 0x1p-53 < part;
}

}  // namespace

uint64_t mixed(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

Dice::Dice(uint64_t seed) {
  for (uint64_t& word : state_) word = mixed(seed++ * 0x2545f4914f6cdd1d);
}

uint64_t Dice::roll() {
  const uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

/// Knuth's for small means, a rounded normal for large ones.
uint64_t Dice::poisson(double mean) {
  if (mean > 50) {
    const double normal = std::sqrt(-2 * std::log(1 - chance())) * std::cos(2 * M_PI * chance());
    return static_cast<uint64_t>(std::max(0.0, mean + std::sqrt(mean) * normal + 0.5));
  }
  uint64_t count = 0;
  for (double product = chance(), least = std::exp(-mean); product > least; product *= chance()) ++count;
  return count;
}

uint64_t Traffic::requests(double seconds) {
  return dice_.poisson(world_.rate * (1 + world_.wave * std::sin(2 * M_PI * seconds / kDay)));
}

uint64_t Traffic::pick() {
  const double u = dice_.chance();
  const auto rank = static_cast<uint64_t>(static_cast<double>(world_.users) * u * u * u);
  return mixed(rank ^ salt_);
}

Asked Traffic::ask(double seconds, double in_stage, double share) {
  constexpr uint64_t kBroken = 0xb, kHarmed = 0xa;
  Asked asked;
  asked.user = pick();
  // Broken clients come more often: most of the others' requests make room for them.
  if (world_.broken > 0 && dice_.happens(world_.broken * (kBusier - 1))) {
    for (int tries = 0; tries < 2'000 && !has(asked.user, kBroken, world_.broken); ++tries) asked.user = pick();
  }
  asked.candidate = static_cast<double>(asked.user >> 11) * 0x1p-53 < share;
  const bool out = world_.outage > 0 && std::fmod(seconds, 1800) >= 480 && std::fmod(seconds, 1800) < 660;
  double failing = world_.errors * (asked.candidate ? world_.ratio : 1);
  if (out) failing = world_.outage;
  if (has(asked.user, kBroken, world_.broken)) failing = 0.5;
  if (asked.candidate && has(asked.user, kHarmed, world_.harmed)) failing = 1;
  asked.failed = dice_.happens(failing);
  const bool starting = asked.candidate && in_stage < kSlowStart && world_.slow_start > 0;
  asked.slow = dice_.happens(starting ? world_.slow_start : world_.slow);
  return asked;
}

}  // namespace weir::judge
