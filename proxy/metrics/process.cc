#include "proxy/metrics/process.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <limits>
#include <string>

namespace weir::metrics {
namespace {

double cpu_seconds() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

uint64_t max_fds() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return 0;
  return limit.rlim_cur;
}

uint64_t open_fds() {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  uint64_t entries = 0;
  while (readdir(directory) != nullptr) ++entries;
  closedir(directory);
  return entries < 3 ? 0 : entries - 3;  // `.`, `..` and the directory's own descriptor
}

/// When the machine booted, in seconds since the epoch: `btime` of /proc/stat.
double boot_time() {
  std::ifstream file("/proc/stat");
  std::string word;
  while (file >> word) {
    double seconds = 0;
    if (word == "btime" && file >> seconds) return seconds;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

/// The fields of /proc/self/stat (proc(5)) from the 22nd on: start in ticks since boot, virtual bytes, resident pages.
void read_stat(ProcessUsage& usage) {
  std::ifstream file("/proc/self/stat");
  file.ignore(std::numeric_limits<std::streamsize>::max(), ')');  // the name may hold blanks; field 2 ends here
  std::string skipped;
  for (int field = 3; field < 22; ++field) file >> skipped;
  double start_ticks = 0;
  uint64_t virtual_bytes = 0, pages = 0;
  if (!(file >> start_ticks >> virtual_bytes >> pages)) return;
  usage.virtual_bytes = virtual_bytes;
  usage.resident_bytes = pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  usage.start_time_seconds = boot_time() + start_ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

ProcessUsage read_process_usage() {
  ProcessUsage usage;
  usage.cpu_seconds = cpu_seconds();
  usage.open_fds = open_fds();
  usage.max_fds = max_fds();
  read_stat(usage);
  return usage;
}

}  // namespace weir::metrics
