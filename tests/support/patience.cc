#include "tests/support/patience.h"

#include <algorithm>
#include <thread>

namespace weir::testing {

int milliseconds_left(Deadline deadline) {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 3'600'000));
}

bool wait_until(const std::function<bool()>& condition, Duration patience) {
  Deadline deadline = within(patience);
  while (!condition()) {
    if (Clock::now() >= deadline) return condition();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace weir::testing
