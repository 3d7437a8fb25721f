#include "proxy/upstream/retry_budget.h"

#include <algorithm>
#include <numeric>

namespace weir::upstream {

void RetryBudget::refill(uint64_t requests, std::chrono::milliseconds now) {
  const bool first = refilled_.count() == 0;
  const auto elapsed = first ? std::chrono::milliseconds(0) : now - refilled_;
  const uint64_t more = !first && requests >= requests_ ? requests - requests_ : 0;  // they may have begun anew
  requests_ = requests;
  refilled_ = now;
  const int64_t second = now.count() / 1000;
  for (int64_t gone = std::max(second_ + 1, second - kSeconds + 1); gone <= second; ++gone) {
    earned_[static_cast<size_t>(gone) % earned_.size()] = 0;
  }
  second_ = second;
  const int64_t earned = static_cast<int64_t>(more) * part_;
  earned_[static_cast<size_t>(second) % earned_.size()] += earned;

  const int64_t most = kSeconds * kEachSecond + std::accumulate(earned_.begin(), earned_.end(), int64_t{0});
  const int64_t given = earned + kEachSecond * std::min<int64_t>(elapsed.count(), 1000) / 1000;
  int64_t left = left_.load(std::memory_order_relaxed);
  while (!left_.compare_exchange_weak(left, std::min(left + given, most), std::memory_order_relaxed)) {
  }
}

}  // namespace weir::upstream
