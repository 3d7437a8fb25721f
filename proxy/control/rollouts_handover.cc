// Rollouts when another process is to take over from this one, and when it has failed to.
#include "proxy/control/rollouts.h"

namespace weir::control {

std::vector<std::string> Rollouts::hand_over() {
  pause();  // whoever is being called by a hook is told to the end
  const auto& state = parts_.publisher.current()->config().state;
  if (journal_ && state) handed_over_ = state->directory + "/rollouts";
  journal_.reset();
  return records();
}

void Rollouts::take_back() {
  paused_ = false;
  looked_ = std::chrono::steady_clock::now();
  listen();
  look_later();
}

/// A process that was killed has its locks until the kernel has ended it.
void Rollouts::open_again() {
  auto found = Journal::open(handed_over_);
  if (!found) return;
  journal_ = std::move(found->journal);
  handed_over_.clear();
}

}  // namespace weir::control
