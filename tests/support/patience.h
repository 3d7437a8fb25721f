// How long a test waits for a thing before it fails: never a sleep, always a wait with an end.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

namespace weir::testing {

using Clock = std::chrono::steady_clock;
using Duration = std::chrono::milliseconds;
using Deadline = Clock::time_point;

/// Long enough for a machine whose cores are shared by ten others, and for a weir under a sanitizer.
inline constexpr Duration kPatience{20'000};

inline Deadline within(Duration duration) { return Clock::now() + duration; }

/// Milliseconds left for poll(2): 0 when the deadline is over.
int milliseconds_left(Deadline deadline);

/// Asks `condition` again and again until it holds; false if it does not within `patience`.
bool wait_until(const std::function<bool()>& condition, Duration patience = kPatience);

/// The middle one of what was measured: a stall of the machine proves nothing.
template <class Measured>
Measured middle(std::vector<Measured> all) {
  std::nth_element(all.begin(), all.begin() + static_cast<ptrdiff_t>(all.size() / 2), all.end());
  return all[all.size() / 2];
}

}  // namespace weir::testing
