// Deadlines that must not be late by a tick of the wheel: in the order of their times, with a timer of the kernel's for
// the first of them. Made for many that are set to almost the same time ahead and mostly cleared before it.
#pragma once

#include "proxy/net/clock.h"
#include "proxy/net/loop.h"

namespace weir::net {

/// Of one loop; its thread. Expects every entry to be gone before it goes.
class Punctual final : public Source {
 public:
  /// Owned by what it limits.
  class Entry : private Link {
   public:
    explicit Entry(Punctual& all) : all_(all) {}
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    /// Due at `when` of the monotonic clock: never early, and as late as the loop is. Replaces what was set.
    void set(Nanos when);
    void clear() {
      if (!alone()) leave();
    }

   protected:
    ~Entry() { clear(); }
    /// While events are noted: it may take note of the time, and end nothing.
    virtual void expire() = 0;

   private:
    friend class Punctual;
    Punctual& all_;
    Nanos when_{};
  };

  explicit Punctual(Loop& loop);
  ~Punctual();
  Punctual(const Punctual&) = delete;
  Punctual& operator=(const Punctual&) = delete;

  void on_events(uint32_t events) override;

 private:
  Entry& first() { return static_cast<Entry&>(*entries_.next); }
  void arm();

  Loop& loop_;
  Link entries_;  // the soonest first
  const int timer_;
  Nanos armed_for_{};  // 0: the timer is not set
};

}  // namespace weir::net
