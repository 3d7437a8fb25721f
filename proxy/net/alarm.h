// Wakes a coroutine when time is up. Loop's thread.
#pragma once

#include <chrono>

#include "proxy/net/loop.h"

namespace weir::net {

class Alarm final : public Deadline {
 public:
  Alarm(Loop& loop, Waiter& waiter) : Deadline(loop.wheel()), loop_(loop), waiter_(waiter) {}

  void ring_in(std::chrono::milliseconds time) {
    rang_ = false;
    set(loop_.now() + time);
  }
  void stop() { clear(); }
  bool rang() const { return rang_; }

 private:
  void expire() override {
    rang_ = true;
    waiter_.wake();
  }

  Loop& loop_;
  Waiter& waiter_;
  bool rang_ = false;
};

}  // namespace weir::net
