#include "proxy/descriptors.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>

namespace weir::proxy {

namespace {
constexpr uint64_t kOwnDescriptors = 64;  // listeners, logs, admin
}

void raise_descriptor_limit(const config::Config& config) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const uint64_t needed = 2 * config.limits.connections + kOwnDescriptors;  // one to the client, one to an endpoint
  if (config.limits.connections > 0 && limit.rlim_cur != RLIM_INFINITY && needed > limit.rlim_cur) {
    spdlog::warn(
        "limits.connections: {} may need {} descriptors, this process may have {}: it can carry about {}; raise "
        "LimitNOFILE",
        config.limits.connections, needed, limit.rlim_cur,
        (std::max(limit.rlim_cur, kOwnDescriptors) - kOwnDescriptors) / 2);
  }
}

}  // namespace weir::proxy
