// Who moves by a change, and whether the endpoints can take it (contract §4, --dry-run). Pure.
#pragma once

#include "proxy/control/operator.h"
#include "proxy/metrics/shard.h"

namespace weir::control {

inline constexpr size_t kByWithoutKey = 2;  // index into a shard's counters: routing::DecidedBy::without_key

/// What a version gets now.
struct Load {
  double rate = 0;         // requests/s, of these …
  double by_split = 0;     // … decided by bucket
  double without_key = 0;  // … of who has no cohort key
  double seconds = 0;      // a request takes, on average; 0: not known
};

/// A version as an effect looks at it; in the order of the service's versions.
struct VersionLoad {
  Load load;
  bool up = true;  // has an endpoint that can be used
};

/// Of giving `service` the shares `after` instead of `before`; `closes`: by a rollback, which no rule overrides.
Effect effect_of(const config::Service& service, const Shares& before, const Shares& after,
                 const std::vector<VersionLoad>& loads, bool closes);

}  // namespace weir::control
