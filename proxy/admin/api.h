// The services as JSON: what is configured, what is in force, and what was counted.
//
// Pure: everything comes in as plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/metrics/summary.h"
#include "routing/snapshot.h"

namespace weir::admin {

/// An endpoint of the configuration, named as written there; addresses that its name resolves to
/// are one endpoint together.
struct EndpointState {
  std::string service, version, address;
  bool up = false;                          // healthy
  std::string why;                          // it is not: unresolved, probe, ejected or unreachable
  std::chrono::milliseconds for_another{};  // where ejected: until it gets requests again
  uint64_t ejections = 0;                   // so far
  int64_t connections = 0;                  // open, over all workers
};

/// The health of a version as a whole.
struct VersionState {
  std::string service, version;
  bool available = true;                // false: its requests go to the stable version
  bool panics = false;                  // no endpoint is healthy, and all are used
  std::chrono::milliseconds back_in{};  // where not available: it comes back no sooner
};

/// What the services look like now.
struct View {
  std::shared_ptr<const routing::Snapshot> snapshot;  // null before the first
  metrics::Summary numbers;
  std::vector<EndpointState> endpoints;  // a configured endpoint that is not here is told as down
  std::vector<VersionState> versions;    // one that is not here is told as available
};

/// `{"services": […]}`. The view must hold a snapshot.
std::string services_json(const View& view);

/// One service as an object; nothing if there is none of this name.
std::optional<std::string> service_json(const View& view, std::string_view service);

}  // namespace weir::admin
