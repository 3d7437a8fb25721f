// One coarse tick for all time-outs: a hashed timing wheel (Varghese & Lauck, 1987) whose entries
// are moved lazily, so that pushing a deadline back costs one store.
#pragma once

#include <array>

#include "proxy/net/clock.h"

namespace weir::net {

inline constexpr Millis kTick{100};

class Wheel;

/// Something that happens when time is up. Owned by what it limits; loop's thread.
class Deadline {
 public:
  explicit Deadline(Wheel& wheel) : wheel_(wheel) {}
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  /// Due at `when` (never early, at most two ticks late); replaces what was set.
  void set(Millis when);
  void clear() { when_ = kNever; }

 protected:
  ~Deadline() { unlink(); }
  virtual void expire() = 0;

 private:
  friend class Wheel;
  void unlink();

  Wheel& wheel_;
  Deadline** link_ = nullptr;  // what points at this entry in its slot; null: not in the wheel
  Deadline* next_ = nullptr;
  Millis when_ = kNever;
  uint32_t placed_at_ = 0;  // the tick at which the wheel looks at it; of 13 years
};

class Wheel {
 public:
  /// Expires what is due. `now` never goes back; at least one call before the first `set`.
  void advance(Millis now);

 private:
  friend class Deadline;
  static constexpr int64_t kSlots = 1024;
  static int64_t tick_of(Millis when) { return (when.count() + kTick.count() - 1) / kTick.count(); }
  void place(Deadline& deadline);
  void look_at(int64_t tick, Millis now);

  std::array<Deadline*, kSlots> slots_{};
  int64_t tick_ = 0;  // the last one that was looked at
};

}  // namespace weir::net
