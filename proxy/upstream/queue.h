// Requests that wait until an endpoint of their version has a place again: first come, first served, over all workers.
//
// A place that is given back calls the first one. Who joins, and who takes a place, looks whether there is one more
// than have been called, and calls the first of all for it: so no wake-up is lost, whoever looks first, and nobody is
// passed by. Who is called and does not take the place passes the call on.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>

#include "proxy/net/loop.h"

namespace weir::upstream {

class Queue;

/// A place in the queue, from joining until it is dropped. Joined again it stands where it stood. Its loop's thread.
class Ticket {
 public:
  Ticket(Queue& queue, net::Loop& loop, net::Waiter& waiter);
  ~Ticket();
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;

  /// Waits, if there is room for one more; false: there is not. A ticket that was called finds room.
  bool join();
  /// A place may be free: try, and join again or drop the ticket.
  bool called() const { return entry_->called; }
  /// The place was taken: the call is used up.
  void used();

 private:
  friend class Queue;
  /// What the queue and the letter to the loop hold on to.
  struct Entry {
    net::Loop* loop = nullptr;
    net::Waiter* waiter = nullptr;  // null: the ticket was dropped. The loop's thread
    bool called = false;            // the loop's thread
    bool waits = false;             // in the queue; under its lock
    uint64_t number = 0;            // its turn, from 1; 0: has not joined yet. Under its lock
  };

  Queue& queue_;
  std::shared_ptr<Entry> entry_;
};

/// Of one version; the same object while the version is there, made by make_shared. Any thread.
class Queue : public std::enable_shared_from_this<Queue> {
 public:
  void configure(uint64_t size) { size_.store(size, std::memory_order_relaxed); }

  /// Do some wait, or are on their way to a place? Whoever comes now waits behind them.
  bool crowded() const { return waiting_.load() > 0 || called_.load() > 0; }
  uint64_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
  /// Called, and neither at a place nor in line again yet.
  uint64_t called() const { return called_.load(); }
  /// After a place was given back, or one was seen that nobody has been called for: the first one is called.
  void place_freed() {
    if (waiting_.load() > 0) call_first();
  }
  /// Endpoints came back, or have more places: all look again.
  void call_all();

 private:
  friend class Ticket;
  bool join(const std::shared_ptr<Ticket::Entry>& entry);
  void leave(const std::shared_ptr<Ticket::Entry>& entry);
  bool call_first();

  std::atomic<uint64_t> size_{0};
  std::atomic<uint64_t> waiting_{0};
  std::atomic<uint64_t> called_{0};
  std::mutex mutex_;
  uint64_t last_number_ = 0;
  std::list<std::shared_ptr<Ticket::Entry>> entries_;
};

}  // namespace weir::upstream
