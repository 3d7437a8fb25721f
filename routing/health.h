// Signs of life -> which endpoints of a version are used. Pure: what was seen and when are arguments.
//
// Two ways out: probes that fail `fall` times in a row (back after `rise` that pass), and ejection after failures in a
// row of real requests (back after a while that doubles each time, as Envoy's outlier detection). Ejection never takes
// more than half of the endpoints, and never the last one that is used.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

namespace weir::routing {

/// Of any monotonic clock.
using HealthTime = std::chrono::milliseconds;

struct HealthRules {
  uint32_t fall = 3, rise = 2;            // probes in a row
  HealthTime base{10'000}, max{300'000};  // of ejections: the first one, the longest
  HealthTime hold{30'000};                // how long a candidate stays without requests at least
  HealthTime slow_start{0};               // how long the part of one that came back grows
  bool is_candidate = false;              // else weir has nowhere else to send
};

struct EndpointHealth {
  bool resolved = true;      // it has an address
  bool passes = true;        // its probes; until the first one it is believed
  bool probed = false;       // at least once
  bool unreachable = false;  // so many connects failed in a row
  bool ejected = false;
  uint32_t against = 0;    // probes in a row that speak against `passes`
  uint32_t ejections = 0;  // one soon after the other: each takes twice as long
  uint64_t ejections_ever = 0;
  HealthTime ejected_until{0};  // while ejected; else when it came back
  HealthTime came_back{0};      // 0: was never away

  bool usable() const { return resolved && passes && !ejected; }
};

/// The weight of an endpoint that came back (0: was never away), growing over `slow_start`: 0.1 … 1.
double warmth(HealthTime came_back, HealthTime slow_start, HealthTime now);

/// The health of one version.
class VersionHealth {
 public:
  VersionHealth() = default;
  /// All are taken for healthy at first.
  VersionHealth(const HealthRules& rules, size_t endpoints) : rules_(rules), endpoints_(endpoints) {}

  /// Another set of rules, or of endpoints with what is known of each: nobody waits for a change of the
  /// operator's, so a candidate that can serve again does at once.
  void change(const HealthRules& rules, std::vector<EndpointHealth> endpoints, HealthTime now);

  void probed(size_t endpoint, bool passed, HealthTime now);
  /// So many requests in a row failed that it is to be ejected; false: too few others are left.
  bool eject(size_t endpoint, HealthTime now);
  /// So many connects in a row failed, or one succeeded.
  void reached(size_t endpoint, bool well, HealthTime now);
  /// Ends what is over: ejections, a candidate's rest. Returns whether anything changed.
  bool pass_time(HealthTime now);

  /// A candidate: its requests go to it (else they fall back). Any other version: always.
  bool available() const { return !fallen_; }
  HealthTime fell_at() const { return fell_at_; }
  /// No endpoint is healthy, and there is nowhere else to send: all with an address are used.
  bool panics() const;
  /// Whether requests of this version go to the endpoint.
  bool used(size_t endpoint) const;
  /// An endpoint that came back grows into its part.
  double weight(size_t endpoint, HealthTime now) const;
  /// Is there one whose weight still grows?
  bool warming(HealthTime now) const;

  const HealthRules& rules() const { return rules_; }
  std::span<const EndpointHealth> endpoints() const { return endpoints_; }

 private:
  size_t usable() const;
  bool can_serve() const;
  void came_back(EndpointHealth& endpoint, HealthTime now) const;
  void judge(HealthTime now);

  HealthRules rules_;
  std::vector<EndpointHealth> endpoints_;
  bool fallen_ = false;
  HealthTime fell_at_{0};
};

}  // namespace weir::routing
