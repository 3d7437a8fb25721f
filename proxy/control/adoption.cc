#include "proxy/control/adoption.h"

#include <algorithm>

namespace weir::control {

void Adoption::adopted(size_t worker, uint64_t publication) {
  adopted_[worker] = publication;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const uint64_t number = at->first;
    if (pending(at->second.publication) == 0) finish(number);
    at = waiting_.upper_bound(number);
  }
}

void Adoption::wait(std::chrono::milliseconds patience, std::function<void(size_t pending)> done) {
  if (by_all()) return done(0);
  const uint64_t number = ++last_waiting_;
  Waiting& waiting = waiting_.try_emplace(number, io_, published_, std::move(done)).first->second;
  waiting.timer.expires_after(patience);
  waiting.timer.async_wait([this, number](const boost::system::error_code& error) {
    if (!error) finish(number);
  });
}

/// Who is called may wait for the next one.
void Adoption::finish(uint64_t number) {
  auto waiting = waiting_.extract(number);
  if (waiting) waiting.mapped().done(pending(waiting.mapped().publication));
}

size_t Adoption::pending(uint64_t publication) const {
  return static_cast<size_t>(std::ranges::count_if(adopted_, [&](uint64_t at) { return at < publication; }));
}

}  // namespace weir::control
