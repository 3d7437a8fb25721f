#include "proxy/net/punctual.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace weir::net {

Punctual::Punctual(Loop& loop) : loop_(loop), timer_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
  if (timer_ < 0 || !loop_.add(timer_, *this)) throw std::system_error(errno, std::generic_category(), "timerfd");
}

Punctual::~Punctual() {
  loop_.remove(timer_);
  ::close(timer_);
}

void Punctual::Entry::set(Nanos when) {
  clear();
  when_ = when;
  Link* after = &all_.entries_;  // almost always the last one
  while (after->previous != &all_.entries_ && static_cast<Entry*>(after->previous)->when_ > when)
    after = after->previous;
  join_before(*after);
  all_.arm();
}

/// A timer that rings too early is cheaper than one that is set for each request.
void Punctual::arm() {
  const Nanos soonest = first().when_;
  if (armed_for_.count() != 0 && armed_for_ <= soonest) return;
  armed_for_ = soonest;
  constexpr int64_t kSecond = 1'000'000'000;
  itimerspec at{};
  at.it_value = {soonest.count() / kSecond, soonest.count() % kSecond};
  timerfd_settime(timer_, TFD_TIMER_ABSTIME, &at, nullptr);
}

void Punctual::on_events(uint32_t) {
  uint64_t rings = 0;
  [[maybe_unused]] const ssize_t got = ::read(timer_, &rings, sizeof rings);
  armed_for_ = {};
  const Nanos now = monotonic();
  while (!entries_.alone() && first().when_ <= now) {
    Entry& due = first();
    due.clear();
    due.expire();
  }
  if (!entries_.alone()) arm();
}

}  // namespace weir::net
