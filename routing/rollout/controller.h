// A rollout's judgement: (plan, state, what was seen, time passed) -> step. Pure.
//
// Fail beats pass beats timer; silence never promotes; the share in force never exceeds the approved stage.
// Time comes as durations, so that a clock that jumps changes nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "routing/rollout/state.h"

namespace weir::routing::rollout {

/// A user's bad event. Only of requests whose version chance decided.
struct BadEvent {
  Metric metric{};
  uint64_t user = 0;     // hash of the cohort key
  uint32_t network = 0;  // of the client; only compared
  bool candidate = false;
  config::Share share{};  // of the candidate, as it was in force for this request
  uint64_t good = 0;      // good answers of the candidate so far; only compared
};

/// What there is to know at a look.
struct Observation {
  std::array<Count, 2> since_last;  // by side
  bool candidate_alive = true;      // has an endpoint that can be used
  bool diverted = false;            // since the last look a request of the candidate's went elsewhere
  std::string frozen_until;         // nothing climbs now, until then; empty: it may
};

struct Transition {
  std::string what;  // start, stage, step, judge, freeze, await, soak, done, fail, rollback, step_back, pause, resume,
                     // skip, abort
  size_t stage = 0;
  config::Share share{};
  std::string why;
};

struct Step {
  std::vector<Transition> transitions;  // in their order
  std::optional<config::Share> share;   // to be in force from now on
  bool close = false;                   // the candidate is rolled back
  std::optional<std::string> refused;   // a command that cannot be followed
};

/// Takes an event in: O(ratios), no allocation but of the first in a filter.
void note(const Plan& plan, State& state, const BadEvent& event);
/// A request of the candidate's went elsewhere: for a while no event enters, of either side.
void divert(State& state);
/// Judges; `passed` since the last look.
Step judge(const Plan& plan, State& state, const Observation& seen, milliseconds passed);

// What an operator may say.
/// At the first stage that does not take users back from `now`, the share in force.
Step start(const Plan& plan, State& state, config::Share now = config::kNobody);
Step pause(const Plan& plan, State& state, const std::string& why);
Step resume(const Plan& plan, State& state);
Step approve(const Plan& plan, State& state);
/// To the next stage, whatever is missing.
Step skip(const Plan& plan, State& state);
/// Would this command, as things are, let the share grow?
bool would_climb(const Plan& plan, const State& state, std::string_view command);
/// Ends it with nobody on the candidate.
Step abort(const Plan& plan, State& state, const std::string& why);

/// The share was taken to nobody, and the candidate closed.
void was_rolled_back(State& state, const std::string& why);
/// Somebody else changed the share: what was gathered holds no more.
Step share_was_changed(const Plan& plan, State& state, config::Share share, const std::string& why);
/// Another plan: the same.
Step plan_was_changed(const Plan& plan, State& state);

/// A stage with no way back was reached.
bool past_no_return(const Plan& plan, const State& state);

}  // namespace weir::routing::rollout
