// What the workers saw of one service while its rollout had one share: users, requests, and bad events.
//
// Each worker writes its own shard and nothing else, without locks; the control thread reads all. A bad event rings
// the bell, so that it is judged at once.
#pragma once

#include <array>
#include <atomic>
#include <boost/lockfree/spsc_queue.hpp>
#include <memory>
#include <span>
#include <vector>

#include "proxy/metrics/counter.h"
#include "routing/rollout/controller.h"

namespace weir::evidence {

using routing::rollout::BadEvent;
using routing::rollout::Metric;
using routing::rollout::Side;
using routing::rollout::UserFilter;

/// A bad event, and when it was counted, by a clock that only grows.
struct CountedEvent {
  BadEvent event;
  std::chrono::nanoseconds at{};
};

/// Wakes the control thread, once until it has looked. Any thread rings, one waits.
class Bell {
 public:
  Bell();
  ~Bell();
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  void ring();
  /// From here on a ring wakes again.
  void heard();
  int descriptor() const { return fd_; }

 private:
  int fd_;
  std::atomic<bool> rung_{false};
};

/// What stays the same as long as a tally is counted into.
struct Terms {
  config::Share share{};                 // of the candidate, by the service's split
  std::chrono::nanoseconds slow{};       // from sent request to response head; 0: slowness is not judged
  std::chrono::nanoseconds p99_limit{};  // 0: none
};

class Tally {
 public:
  Tally(size_t workers, Terms terms, std::shared_ptr<Bell> bell);

  const Terms& terms() const { return terms_; }

  // By one worker, on its thread.
  /// An answered request of a user; `failed`: with an error. `took`: until its head, 0: it had none.
  void answered(size_t worker, Side side, uint64_t user, bool failed, std::chrono::nanoseconds took);
  /// A user's bad event; the same one of a user is told once.
  void bad(size_t worker, BadEvent event);
  /// A request that was the candidate's went elsewhere.
  void diverted(size_t worker) { shards_[worker].diverted.add(); }

  // By the control thread.
  routing::rollout::Count count(Side side) const;
  uint64_t good(Side side) const;
  uint64_t diverted() const;
  /// Who was seen, into `filter`.
  void unite(Side side, UserFilter& filter) const;
  /// Takes bad events in the order of each worker.
  template <class Take>
  void drain(Take take) {
    for (Shard& shard : std::span(shards_.get(), workers_)) shard.events.consume_all(take);
  }

 private:
  static constexpr size_t kWords = UserFilter::kPlaces / 64;
  static constexpr size_t kWaiting = 1024;  // events that the control thread has not looked at

  struct SideShard {
    metrics::Counter requests, failed, over_p99;
    std::array<std::atomic<uint64_t>, kWords> seen{};
  };
  struct alignas(64) Shard {
    std::array<SideShard, 2> sides;
    metrics::Counter diverted;
    std::array<UserFilter, routing::rollout::kMetrics> told;  // the worker's alone
    boost::lockfree::spsc_queue<CountedEvent, boost::lockfree::capacity<kWaiting>> events;
  };

  const Terms terms_;
  const std::shared_ptr<Bell> bell_;
  const size_t workers_;
  const std::unique_ptr<Shard[]> shards_;
};

}  // namespace weir::evidence
