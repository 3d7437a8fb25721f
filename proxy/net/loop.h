// The readiness loop of one thread: descriptors registered once, edge-triggered, and a mailbox.
//
// A turn: fetch events, let every source take note of its own, then run what they woke, send what these
// kept for a busy turn's end and run whoever waited for that, then the tick. Nothing runs while events are being noted,
// so a source may be destroyed only by what runs.
#pragma once

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "proxy/net/clock.h"
#include "proxy/net/newcomers.h"
#include "proxy/net/send_batch.h"
#include "proxy/net/wheel.h"

namespace weir::net {

/// Something with a descriptor. Its events are epoll(7)'s.
class Source {
 public:
  virtual void on_events(uint32_t events) = 0;

 protected:
  ~Source() = default;
};

class Loop;

/// A place in a ring of those who were woken; alone, it points at itself.
struct Link {
  Link* previous = this;
  Link* next = this;

  bool alone() const { return next == this; }
  void leave() {
    previous->next = next;
    next->previous = previous;
    previous = next = this;
  }
  void join_before(Link& other) {
    previous = other.previous;
    next = &other;
    previous->next = this;
    other.previous = this;
  }
};

/// What one coroutine waits with: "something happened" — readiness of a stream, or a deadline.
/// Wakes are gathered, so that several events in a turn resume it once.
class Waiter : private Link {
 public:
  explicit Waiter(Loop& loop) : loop_(loop) {}
  ~Waiter() { leave(); }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  Loop& loop() const { return loop_; }
  /// Resumes the coroutine in this turn (or the next, when called by something that runs).
  void wake();

  /// `co_await waiter.event()`: until the next wake.
  auto event() {
    struct Awaiter {
      Waiter& waiter;
      bool await_ready() { return std::exchange(waiter.pending_, false); }
      void await_suspend(std::coroutine_handle<> handle) { waiter.handle_ = handle; }
      void await_resume() {}
    };
    return Awaiter{*this};
  }

 private:
  friend class Loop;
  void run();

  Loop& loop_;
  std::coroutine_handle<> handle_;
  bool pending_ = false;
};

/// One thread's loop. Everything but `post` and `stop` belongs to the thread that calls `run`.
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Registers for IN|OUT|RDHUP, edge-triggered; `exclusive` for a listening socket that several
  /// loops share (EPOLLEXCLUSIVE, level-triggered). False when the kernel refuses (errno).
  bool add(int fd, Source& source);
  bool add_listening(int fd, Source& source, bool exclusive);
  void remove(int fd);

  /// Runs `task` on the loop's thread, soon. Any thread.
  void post(std::function<void()> task);

  /// Called once a tick (kTick), after what was woken ran.
  void on_tick(std::function<void()> task) { tick_ = std::move(task); }

  /// Turns until `stop`.
  void run();
  void stop() {
    post([this] { running_ = false; });
  }

  /// What this turn sends; leaves at its end.
  SendBatch& sends() { return sends_; }

  /// They are watched from the next tick on.
  Newcomers& newcomers() { return newcomers_; }

  Wheel& wheel() { return wheel_; }
  /// When this turn began; for time-outs, not for measuring.
  Millis now() const { return now_; }

 private:
  friend class Waiter;
  class Mailbox final : public Source {
   public:
    explicit Mailbox(Loop& loop) : loop_(loop) {}
    void on_events(uint32_t) override { loop_.mail_ = true; }

   private:
    Loop& loop_;
  };

  /// Returns how many there were.
  int fetch_events();
  void read_mail();
  /// Sends at once unless the turn is busy. True if something was sent: who waited for that is woken.
  bool run_woken(bool busy);
  bool submit();

  int epoll_ = -1;
  int mailbox_fd_ = -1;
  Mailbox mailbox_{*this};
  std::mutex mail_mutex_;
  std::vector<std::function<void()>> mail_tasks_;
  std::function<void()> tick_;
  Link woken_;
  SendBatch sends_;
  Newcomers newcomers_;
  Wheel wheel_;
  Millis now_{};
  Millis next_tick_{};
  bool mail_ = false;
  bool running_ = false;
};

}  // namespace weir::net
