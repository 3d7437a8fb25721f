// Each version's numbers summed over the workers: for the API, and for a live line per version.
//
// Plain values. Thread: made on the control thread (it reads the Registry), then anybody's.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "proxy/metrics/histogram.h"
#include "proxy/metrics/registry.h"
#include "proxy/metrics/shard.h"

namespace weir::metrics {

struct VersionSummary {
  VersionName name;
  std::array<uint64_t, kCodeClasses> requests{};  // by code class
  std::array<uint64_t, kDecidedBy> decided{};     // the same requests, by what decided
  uint64_t errors = 0;                            // failed tries
  int64_t in_flight = 0;
  int64_t connections_active = 0, connections_idle = 0;
  HistogramSnapshot duration;

  uint64_t total() const;
  /// Requests that the client saw fail: 5xx, or no response.
  uint64_t failed() const { return requests[5] + requests[0]; }
};

using Summary = std::vector<VersionSummary>;  // in the order of (service, version)

/// What the registry's live versions hold now.
Summary summarize(Registry& registry);

/// What happened between two summaries: counts and durations are those of the interval, levels (in
/// flight, connections) those of `now`. A version that `before` does not know counts from 0.
Summary since(const Summary& now, const Summary& before);

/// The version of this name; null if it is not there.
const VersionSummary* find(const Summary& summary, std::string_view service, std::string_view version);

/// The part (0 … 1) of a service's requests *decided by the split* that this version got, to be held
/// against the share asked for; 0 without such requests.
double seen_share(const Summary& summary, std::string_view service, std::string_view version);

}  // namespace weir::metrics
