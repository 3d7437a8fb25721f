// The demo's live lines: what each version got in the last second. Text only; who prints it decides where.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "proxy/metrics/summary.h"
#include "routing/snapshot.h"

namespace weir::demo {

/// A version of a service in an interval.
struct Row {
  std::string version;
  double per_second = 0;
  double failed = 0;  // fraction of the requests
  std::chrono::nanoseconds p50{}, p99{};
  double asked = 0, seen = 0;  // shares, 0 … 1
};

/// One row a version, in the order of the configuration. `interval` is what happened in `length`.
std::vector<Row> rows(const routing::ServicePlan& service, const metrics::Summary& interval,
                      std::chrono::nanoseconds length);

/// The heading and a line a row, each ending in a newline.
std::string heading(const std::string& service);
std::string line(const Row& row);

}  // namespace weir::demo
