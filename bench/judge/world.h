// A made-up service with users, traffic and faults: what rollouts are simulated on.
#pragma once

#include <cstdint>
#include <string>

namespace weir::judge {

/// What is wrong with the candidate, and with the world.
struct World {
  std::string name;
  uint64_t users = 40'000;  // whose traffic is heavy-tailed: the k-th asks in proportion to k^(-2/3)
  double rate = 50;         // requests/s, on average
  double wave = 0;          // how far a day's wave goes from it, as a part of it
  double errors = 0;        // of a request on either version
  double broken = 0;        // part of the users whose requests fail every other time, at five times the traffic
  double outage = 0;        // part of the requests that fail on both versions in minutes 8 to 11 of each half hour
  double slow = 0.01;       // of a request, slower than the mark on either version
  double slow_start = 0;    // the same on the candidate in the first 20 s of a stage
  double ratio = 1;         // errors of the candidate are so many times as frequent
  double harmed = 0;        // part of the users for whom the candidate always fails
};

/// xoshiro256++ (Blackman & Vigna, 2019): every run its own numbers, the same each time.
class Dice {
 public:
  explicit Dice(uint64_t seed);
  uint64_t roll();
  double chance() { return static_cast<double>(roll() >> 11) * 0x1p-53; }
  bool happens(double probability) { return probability > 0 && chance() < probability; }
  uint64_t poisson(double mean);

 private:
  uint64_t state_[4];
};

/// SplitMix64's finisher: a user's properties, and their cohort hash, from an index.
uint64_t mixed(uint64_t value);

struct Asked {
  uint64_t user = 0;  // hash of the cohort key
  bool candidate = false;
  bool failed = false, slow = false;
};

/// One run of a world.
class Traffic {
 public:
  Traffic(const World& world, uint64_t seed) : world_(world), dice_(seed), salt_(mixed(seed)) {}

  /// How many ask in the second that begins now.
  uint64_t requests(double seconds);
  /// One request at this time while the candidate has `share`; `in_stage`: seconds since the stage began.
  Asked ask(double seconds, double in_stage, double share);

 private:
  uint64_t pick();

  const World& world_;
  Dice dice_;
  uint64_t salt_;
};

}  // namespace weir::judge
