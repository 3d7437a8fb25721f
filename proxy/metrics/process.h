// What the kernel says of this process: the process_* metrics.
#pragma once

#include <cstdint>

namespace weir::metrics {

struct ProcessUsage {
  double cpu_seconds = 0;  // user and system, of all threads
  uint64_t resident_bytes = 0;
  uint64_t virtual_bytes = 0;
  uint64_t open_fds = 0;
  uint64_t max_fds = 0;           // the soft limit; 0: no limit
  double start_time_seconds = 0;  // since the epoch
};

/// Reads /proc and the limits; what cannot be read stays 0. Any thread.
ProcessUsage read_process_usage();

}  // namespace weir::metrics
