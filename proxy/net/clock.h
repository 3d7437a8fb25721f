// The clocks of the request's path.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

namespace weir::net {

/// Milliseconds of the monotonic clock: for time-outs, read once a turn.
using Millis = std::chrono::duration<int64_t, std::milli>;
inline constexpr Millis kNever{INT64_MAX};

/// Nanoseconds of the monotonic clock: for measuring.
using Nanos = std::chrono::nanoseconds;

/// The time of day, UTC; to the second is enough for what ends by it.
inline std::chrono::sys_seconds wall_clock() {
  return std::chrono::sys_seconds(std::chrono::seconds(std::time(nullptr)));
}

/// The time of day since 1970, UTC: for what people read.
inline Nanos time_of_day() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return std::chrono::seconds(now.tv_sec) + Nanos(now.tv_nsec);
}

inline Nanos monotonic() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::chrono::seconds(now.tv_sec) + Nanos(now.tv_nsec);
}

}  // namespace weir::net
