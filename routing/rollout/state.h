// Where a rollout stands, with all the evidence so far: what must outlive the process.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "routing/rollout/bounds.h"
#include "routing/rollout/e_process.h"
#include "routing/rollout/plan.h"
#include "routing/rollout/user_filter.h"

namespace weir::routing::rollout {

enum class Phase : uint8_t {
  draft,              // a plan, not started
  holding,            // the stage's time is not over
  judging,            // it is, and what is there does not decide yet
  awaiting_approval,  // somebody must say that it goes on
  soaking,            // everybody is on the candidate, the stable version waits beside it
  paused,
  rolling_back,  // the share is being taken to nobody
  rolled_back,
  done,
  aborted,
};
inline constexpr std::array kPhaseNames{"draft",   "holding", "judging",      "awaiting_approval",
                                        "soaking", "paused",  "rolling_back", "rolled_back",
                                        "done",    "aborted"};
constexpr const char* phase_name(Phase phase) { return kPhaseNames[static_cast<size_t>(phase)]; }

/// Has begun and not ended.
constexpr bool is_live(Phase phase) { return phase >= Phase::holding && phase <= Phase::paused; }

/// Index of what is kept per version.
enum Side : size_t { kStable = 0, kCandidate = 1 };

/// Requests whose version chance decided, and what came of them.
struct Count {
  uint64_t requests = 0;
  uint64_t failed = 0;
  uint64_t over_p99 = 0;  // took longer than the plan's limit
};

struct MetricEvidence {
  HarmEvidence harm;
  SafetyEvidence safety;                    // of this stage
  UserFilter erred;                         // in the whole rollout, on either side
  std::array<UserFilter, 2> erred_here;     // in this stage, by side
  std::array<uint64_t, 2> first{};          // users whose first bad event came on this side
  bool exposed = false;                     // a look at exposure has passed in this stage
  std::map<uint32_t, uint32_t> by_network;  // users that counted, where the plan bounds them
};

struct State {
  Phase phase = Phase::draft;
  Phase paused_in = Phase::holding;
  std::string why;  // it is in this phase
  size_t stage = 0;
  config::Share share{};      // of the candidate, as the rollout wants it
  milliseconds in_stage{};    // since its share was reached
  milliseconds since_step{};  // since the share last grew
  unsigned looks = 0;         // at exposure, in this stage
  uint64_t users_at_look = 0;
  milliseconds at_look{};
  bool acknowledged = false;        // somebody went on with significant but small harm
  milliseconds diverted_for{};      // no event enters so long: candidate's requests went elsewhere
  std::array<UserFilter, 2> seen;   // users, in this stage
  std::array<Count, 2> here;        // in this stage
  std::array<uint64_t, 2> fresh{};  // first errors of this stage …
  std::array<uint64_t, 2> told{};   // … of which the detectors know so many
  std::array<MetricEvidence, kMetrics> evidence;
  GrowthDetector stable_worse, candidate_worse;
  uint64_t good_before_streak = 0, streak = 0;  // users that erred on the candidate with no good answer between
};

}  // namespace weir::routing::rollout
