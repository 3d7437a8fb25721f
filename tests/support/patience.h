// How long a test waits for a thing before it fails: never a sleep, always a wait with an end.
#pragma once

#include <chrono>
#include <functional>

namespace weir::testing {

using Clock = std::chrono::steady_clock;
using Duration = std::chrono::milliseconds;
using Deadline = Clock::time_point;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr Duration kPatience{20'000};
#else
inline constexpr Duration kPatience{5'000};
#endif

inline Deadline within(Duration duration) { return Clock::now() + duration; }

/// Milliseconds left for poll(2): 0 when the deadline is over.
int milliseconds_left(Deadline deadline);

/// Asks `condition` again and again until it holds; false if it does not within `patience`.
bool wait_until(const std::function<bool()>& condition, Duration patience = kPatience);

}  // namespace weir::testing
