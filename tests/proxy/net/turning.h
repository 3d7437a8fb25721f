// Turns a loop on the test's own thread until something has come about.
#pragma once

#include <functional>

#include "proxy/net/loop.h"

namespace weir::net {

/// False when it has not come about in ten seconds.
inline bool turn_until(Loop& loop, const std::function<bool()>& come_about) {
  const Nanos end = monotonic() + std::chrono::seconds(10);
  bool came_about = false;
  std::function<void()> look;
  look = [&] {
    came_about = come_about();
    if (came_about || monotonic() > end) return loop.stop();
    loop.post(look);
  };
  loop.post(look);
  loop.run();
  return came_about;
}

/// A few turns in which whatever is ready is noted and run.
inline void turn(Loop& loop, int times = 3) {
  turn_until(loop, [&] { return times-- <= 0; });
}

}  // namespace weir::net
