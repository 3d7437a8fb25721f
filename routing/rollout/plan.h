// A service's rollout with every default filled in: what the controller climbs by. Immutable.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/rollout.h"

namespace weir::routing::rollout {

using std::chrono::milliseconds;

/// What is compared; the index of everything that is kept per metric.
enum class Metric : uint8_t { errors, slow, feedback };
inline constexpr size_t kMetrics = 3;
inline constexpr std::array<const char*, kMetrics> kMetricNames{"errors", "slow", "feedback"};

struct Stage {
  config::Share share{};
  milliseconds hold{};
  bool approve = false;
  bool proof_required = false;
  bool no_return = false;
  friend bool operator==(const Stage&, const Stage&) = default;
};

struct Plan {
  std::string service, stable, candidate;
  std::vector<Stage> stages;  // shares rise
  uint64_t min_users = 0;
  std::array<bool, kMetrics> judged{};
  double fail = 0, pass = 0, margin = 0;
  double tolerance = 0;               // part of the candidate's users
  std::optional<double> error_ratio;  // limit of failed requests
  std::optional<milliseconds> p99;    // limit
  uint32_t per_network = 0;           // 0: all count
  config::IfFailing if_failing{};
  config::IfUndecided if_undecided{};
  milliseconds soak{}, warmup{};
  std::optional<config::Share> max_step;

  /// How many metrics share the risk.
  size_t metrics() const;
  /// At E of this the metric fails: Ville's bound, α shared by the metrics.
  double fail_at() const;
  /// Two plans that judge alike: evidence gathered under one holds for the other.
  friend bool operator==(const Plan&, const Plan&) = default;
};

/// The part of the traffic as a probability.
double fraction(config::Share share);

/// `service` must have a rollout and two versions.
Plan plan_of(const config::Service& service);

}  // namespace weir::routing::rollout
