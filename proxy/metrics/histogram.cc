#include "proxy/metrics/histogram.h"

#include <algorithm>
#include <cmath>

namespace weir::metrics {

using Layout = HistogramLayout;

static_assert(Layout::place(Layout::kMax).row == Layout::kRows - 1);
static_assert(Layout::lower(1, 0) == 1024 && Layout::width(1) == 16 && Layout::width(2) == 32);

Histogram::~Histogram() {
  for (auto& row : rows_) delete row.load(std::memory_order_relaxed);
}

Histogram::Row* Histogram::add_row(size_t row) {
  auto* buckets = new Row{};
  rows_[row].store(buckets, std::memory_order_release);  // a reader sees its zeros before its address
  return buckets;
}

void HistogramSnapshot::reserve() {
  if (buckets_.empty()) buckets_.resize(Layout::kRows * Layout::kColumns);
}

void HistogramSnapshot::add(const Histogram& histogram) {
  for (size_t row = 0; row < Layout::kRows; ++row) {
    const Histogram::Row* buckets = histogram.rows_[row].load(std::memory_order_acquire);
    if (buckets == nullptr) continue;
    reserve();
    for (size_t column = 0; column < Layout::kColumns; ++column) {
      const uint64_t count = (*buckets)[column].value();
      bucket(row, column) += count;
      count_ += count;
    }
  }
  sum_ += histogram.sum_.value();
}

void HistogramSnapshot::add(const HistogramSnapshot& other) {
  if (other.buckets_.empty()) return;
  reserve();
  for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ += other.sum_;
}

std::chrono::nanoseconds HistogramSnapshot::quantile(double q) const {
  if (count_ == 0) return std::chrono::nanoseconds(0);
  const double asked = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_));
  const uint64_t rank = std::clamp<uint64_t>(static_cast<uint64_t>(asked), 1, count_);
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen < rank) continue;
    const size_t row = i / Layout::kColumns;
    const uint64_t middle = Layout::lower(row, i % Layout::kColumns) + Layout::width(row) / 2;
    return std::chrono::nanoseconds(std::min(middle, Layout::kMax));
  }
  return std::chrono::nanoseconds(Layout::kMax);
}

uint64_t HistogramSnapshot::count_at_or_below(std::chrono::nanoseconds duration) const {
  if (buckets_.empty() || duration.count() < 0) return 0;
  const auto limit = static_cast<uint64_t>(duration.count());
  if (limit >= Layout::kMax) return count_;
  const auto [row, column] = Layout::place(limit);
  const size_t last = row * Layout::kColumns + column;
  uint64_t below = 0;
  for (size_t i = 0; i < last; ++i) below += buckets_[i];
  // Values lower … limit of the width that the bucket spans; in 128 bits, as the product may not fit 64.
  const unsigned __int128 part = limit - Layout::lower(row, column) + 1;
  return below + static_cast<uint64_t>(part * buckets_[last] / Layout::width(row));
}

HistogramSnapshot HistogramSnapshot::since(const HistogramSnapshot& before) const {
  if (before.buckets_.empty() || before.count_ > count_) return *this;
  HistogramSnapshot rest = *this;
  rest.count_ = 0;
  for (size_t i = 0; i < rest.buckets_.size(); ++i) {
    rest.buckets_[i] -= std::min(rest.buckets_[i], before.buckets_[i]);
    rest.count_ += rest.buckets_[i];
  }
  rest.sum_ -= std::min(rest.sum_, before.sum_);
  return rest;
}

}  // namespace weir::metrics
