// The services as JSON: what is configured, what is in force, and what was counted.
//
// Pure: everything comes in as plain values.
#pragma once

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
  bool up = false;
  int64_t connections = 0;  // open, over all workers
};

/// What the services look like now.
struct View {
  std::shared_ptr<const routing::Snapshot> snapshot;  // null before the first
  metrics::Summary numbers;
  std::vector<EndpointState> endpoints;  // a configured endpoint that is not here is told as down
};

/// `{"services": […]}`. The view must hold a snapshot.
std::string services_json(const View& view);

/// One service as an object; nothing if there is none of this name.
std::optional<std::string> service_json(const View& view, std::string_view service);

}  // namespace weir::admin
