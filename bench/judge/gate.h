// What decides whether a rollout goes on: weir's controller, and two gates as others build them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/judge/world.h"
#include "routing/rollout/controller.h"

namespace weir::judge {

enum class Now { climbing, paused, rolled_back, everybody };

class Gate {
 public:
  virtual ~Gate() = default;
  virtual void take(const Asked& asked) = 0;
  /// A second has passed.
  virtual void tick() = 0;
  virtual Now now() const = 0;
  virtual double share() const = 0;
};

/// The stages that all of them climb: 1%, 5%, 25%, 50%, 100%, ten minutes each.
routing::rollout::Plan plan();

/// The controller as it serves.
std::unique_ptr<Gate> weir_gate();
/// Flagger's shape: each minute the candidate's success rate is held against 99%; five minutes below it roll back.
std::unique_ptr<Gate> threshold_gate();
/// Each ten seconds a two-proportion z-test of requests, one-sided at 0.1%.
std::unique_ptr<Gate> z_test_gate();

}  // namespace weir::judge
