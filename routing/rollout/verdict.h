// What the evidence says, and how far it is from saying more. Pure.
#pragma once

#include <optional>
#include <string>

#include "routing/rollout/state.h"

namespace weir::routing::rollout {

enum class Harm {
  fails,        // the candidate harms
  small,        // it does, but few: somebody should look
  stable_fails  // the stable version, or both, got worse: not the candidate's fault
};

struct Verdict {
  Harm harm{};
  std::string why;
};

/// Nothing: no sign of harm.
std::optional<Verdict> find_harm(const Plan& plan, const State& state, bool candidate_alive);

/// An e-process' value of its logarithm, as far as a double goes.
double e_value(double log_e);

/// Users rate the candidate worse: may hold, never fail.
bool feedback_holds(const Plan& plan, const State& state);
/// The users seen are not split as asked.
bool split_mismatches(const State& state);

/// Looks at exposure if that is due, and tells whether every metric has passed.
bool passes(const Plan& plan, State& state);

/// How far the stage is from being decided.
struct Forecast {
  uint64_t users = 0;             // of the candidate, still to be seen (or to err)
  std::optional<double> minutes;  // at the present rate; nothing: no traffic
  std::string text;               // `needs about 40 more users, 12 minutes`; empty: nothing is missing
};
Forecast forecast(const Plan& plan, const State& state);

}  // namespace weir::routing::rollout
