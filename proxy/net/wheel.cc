#include "proxy/net/wheel.h"

#include <algorithm>
#include <utility>

namespace weir::net {

void Deadline::unlink() {
  if (!link_) return;
  *link_ = next_;
  if (next_) next_->link_ = link_;
  link_ = nullptr;
  next_ = nullptr;
}

void Deadline::set(Millis when) {
  if (when == kNever) return clear();
  when_ = when;
  const bool looked_at_in_time = link_ && placed_at_ <= Wheel::tick_of(when);
  if (looked_at_in_time) return;
  unlink();
  wheel_.place(*this);
}

void Wheel::place(Deadline& deadline) {
  const int64_t wanted = tick_of(deadline.when_);
  deadline.placed_at_ = static_cast<uint32_t>(std::clamp(wanted, tick_ + 1, tick_ + kSlots - 1));
  Deadline*& slot = slots_[static_cast<size_t>(deadline.placed_at_ % kSlots)];
  deadline.next_ = slot;
  if (slot) slot->link_ = &deadline.next_;
  slot = &deadline;
  deadline.link_ = &slot;
}

void Wheel::advance(Millis now) {
  const int64_t until = now.count() / kTick.count();
  if (tick_ == 0) tick_ = until;
  tick_ = std::max(tick_, until - kSlots);  // after a long sleep every slot once is enough
  while (tick_ < until) {
    ++tick_;
    look_at(tick_, now);
  }
}

void Wheel::look_at(int64_t tick, Millis now) {
  // Entries move to a list of their own first: expiring one may remove or add others.
  Deadline* due = std::exchange(slots_[static_cast<size_t>(tick % kSlots)], nullptr);
  if (due) due->link_ = &due;
  while (due) {
    Deadline& deadline = *due;
    deadline.unlink();
    if (deadline.when_ == kNever) continue;
    if (deadline.when_ > now) {
      place(deadline);
    } else {
      deadline.when_ = kNever;
      deadline.expire();
    }
  }
}

}  // namespace weir::net
