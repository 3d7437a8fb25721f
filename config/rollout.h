// A service's `rollout` as the operator wrote it: how the candidate climbs, and what judges it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.h"

namespace weir::config {

enum class Share : uint32_t;

/// What a stage asks for before the next: no sign of harm, or proof that there is none.
enum class Proof { harm_only, required };
enum class IfFailing { rollback, pause, step_back };
enum class IfUndecided { hold, extend, approve };
/// What is compared between the versions; one first bad event a user counts.
enum class JudgedMetric { errors, slow, feedback };

struct RolloutStage {
  Share share{};
  std::optional<std::chrono::milliseconds> hold;  // absent: the rollout's
  bool approve = false;                           // somebody must say that it goes on
  std::optional<Proof> proof;                     // absent: harm_only below 5%, else required
  bool no_return = false;                         // from here on a failure pauses, and rollback must be forced
  Where where;
};

/// Ceilings beside the comparison.
struct JudgeLimits {
  std::optional<Share> error_ratio;
  std::optional<std::chrono::milliseconds> p99;
};

struct Judge {
  std::vector<JudgedMetric> metrics{JudgedMetric::errors, JudgedMetric::slow};
  double fail = 0.001;     // how often a candidate that is no worse may be rolled back
  double pass = 0.05;      // how often one that is `margin` times worse may be let on
  double margin = 1.5;     // how many times worse is not acceptable
  Share tolerance{5'000};  // more of the candidate's users may err than of the stable version's
  JudgeLimits limits;
  uint32_t per_network = 0;  // users of a /24 or /48 that count; 0: all
};

/// A window of each week in which nothing climbs.
struct FreezeWindow {
  std::chrono::minutes begin{}, end{};  // of the week, from Monday 00:00 by the zone's clocks; begin may be after end
  std::string zone;                     // of the IANA database
  std::string text;                     // as written
  Where where;
};

/// Parses `Fri 16:00-Mon 08:00 Europe/Berlin`; whether there is such a zone is not asked.
std::optional<FreezeWindow> parse_freeze_window(std::string_view text);

struct RolloutGuards {
  std::optional<Share> max_step;  // what the share may grow by at once
  std::vector<FreezeWindow> freeze;
  Where where;
};

/// An HTTP address to be called.
struct HookUrl {
  bool https = false;
  std::string host;  // a name or an IP literal without brackets
  uint16_t port = 0;
  std::string path;  // with the query
  std::string text;  // as written
  friend bool operator==(const HookUrl&, const HookUrl&) = default;
};

/// Parses `http://host[:port][/path][?query]`, or https.
std::optional<HookUrl> parse_hook_url(std::string_view text);

/// What of a rollout somebody is called for.
enum class HookEvent { stage, await, pause, fail, abort, done };

struct RolloutHook {
  std::vector<HookEvent> on;  // empty: all
  HookUrl url;
  std::chrono::milliseconds timeout{5'000};
  Where where;
};

struct Rollout {
  std::string candidate;  // empty: the version that is not stable
  std::vector<RolloutStage> stages;
  std::chrono::milliseconds hold{600'000};
  uint64_t min_users = 200;  // of the candidate, in each stage
  Judge judge;
  IfFailing if_failing = IfFailing::rollback;
  IfUndecided if_undecided = IfUndecided::hold;
  std::chrono::milliseconds soak{86'400'000};
  std::chrono::milliseconds warmup{30'000};
  RolloutGuards guards;
  std::vector<RolloutHook> hooks;
  Where where;
};

}  // namespace weir::config
