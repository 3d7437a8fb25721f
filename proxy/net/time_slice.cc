#include "proxy/net/time_slice.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace weir::net {

namespace {
/// struct sched_attr of sched_setattr(2), for which there is no wrapper, and whose header does not go with <sched.h>.
struct Attributes {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
  uint32_t lowest, highest;
};
}  // namespace

int ask_for_slices(std::chrono::nanoseconds slice) {
  constexpr pid_t kThisThread = 0;
  Attributes now{};
  if (syscall(SYS_sched_getattr, kThisThread, &now, sizeof now, 0) != 0) return errno;
  now.runtime = static_cast<uint64_t>(slice.count());
  return syscall(SYS_sched_setattr, kThisThread, &now, 0) == 0 ? 0 : errno;
}

}  // namespace weir::net
