// The two simplest numbers: a count that only grows, and a level that goes up and down.
//
// Thread: one writer (the worker that owns the shard), any number of readers. A write is a relaxed
// load and a relaxed store: no locked instruction, and a reader never sees half a value.
#pragma once

#include <atomic>
#include <cstdint>

namespace weir::metrics {

/// Counts events, or bytes; starts at 0 and only grows.
class Counter {
 public:
  void add(uint64_t amount = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

/// A level, such as connections open now. Signed, so that a slip shows as -1 and not as 2^64 - 1.
class Gauge {
 public:
  void add(int64_t amount = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void sub(int64_t amount = 1) { add(-amount); }
  void set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

}  // namespace weir::metrics
