// What the indices of the workers' numbers are called in the metrics' labels: metrics knows nobody above it.
#pragma once

#include "proxy/metrics/registry.h"

namespace weir::proxy {

metrics::Names series_names();

}  // namespace weir::proxy
