// How many requests of a service may be tried again: a part of those that come, and a few each second in any case, in
// the manner of Linkerd (and of Finagle before it). What ten seconds give may be spent at once, as when an endpoint
// dies with all that is under way. One for a service, shared by all workers.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace weir::upstream {

/// Any thread takes; the control thread alone refills. Requests are counted when they end, and earned for ten times a
/// second, so that it is right to within a tenth of a second's requests.
class RetryBudget {
 public:
  /// `part`: retries a million requests.
  void configure(uint32_t part) { part_ = part; }

  /// One retry; false: there is none left.
  bool take() {
    int64_t left = left_.load(std::memory_order_relaxed);
    while (left >= kOne) {
      if (left_.compare_exchange_weak(left, left - kOne, std::memory_order_relaxed)) return true;
    }
    return false;
  }

  /// `requests`: of the service ever. What was earned and not used in ten seconds is lost.
  void refill(uint64_t requests, std::chrono::milliseconds now);

 private:
  static constexpr int64_t kOne = 1'000'000;
  static constexpr int64_t kEachSecond = 10 * kOne;
  static constexpr int64_t kSeconds = 10;

  std::atomic<int64_t> left_{kSeconds * kEachSecond};
  uint32_t part_ = 200'000;
  uint64_t requests_ = 0;
  std::chrono::milliseconds refilled_{0};
  std::array<int64_t, kSeconds> earned_{};  // in each of the last seconds
  int64_t second_ = 0;
};

}  // namespace weir::upstream
