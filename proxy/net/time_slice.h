// How long a thread runs before others on its core get their turn (sched(7), sched_setattr(2)).
//
// A worker asks for short slices: woken by a request it then need not wait until the control thread, which reads a
// configuration on the same core, has used up a long one. Shares of the core stay equal. Since Linux 6.12; older
// kernels take no notice. Calling thread.
#pragma once

#include <chrono>

namespace weir::net {

inline constexpr std::chrono::nanoseconds kWorkersSlice = std::chrono::microseconds(100);  // the kernel's shortest
inline constexpr std::chrono::nanoseconds kOthersSlice = std::chrono::milliseconds(10);

/// Returns 0, or the errno with which the kernel refused: the thread goes on as it was.
int ask_for_slices(std::chrono::nanoseconds slice);

}  // namespace weir::net
