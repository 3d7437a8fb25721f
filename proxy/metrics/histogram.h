// Durations from 1 µs to 1 h at under 1% relative error: log-linear buckets, as HdrHistogram has them
// (G. Tene). Each octave is cut into 64 equal buckets; a quantile is told as a bucket's middle.
//
// `Histogram` belongs to one worker and is written by it alone; `HistogramSnapshot` is a plain copy
// that adds up many of them, for whoever reads.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "proxy/metrics/counter.h"

namespace weir::metrics {

/// Where a duration is counted. Values are nanoseconds; row 0 is [0, 1024), row k is [2^(9+k), 2^(10+k)).
struct HistogramLayout {
  static constexpr int kColumnBits = 6;
  static constexpr size_t kColumns = size_t{1} << kColumnBits;
  static constexpr int kLinearBits = 10;
  static constexpr uint64_t kMax = 3'600'000'000'000;  // 1 h; longer durations are counted as this
  static constexpr size_t kRows = 33;                  // the last holds 1 h

  struct Place {
    size_t row;
    size_t column;
  };
  static constexpr Place place(uint64_t nanoseconds) {
    const int width = std::bit_width(nanoseconds >> kLinearBits);  // 0 for row 0
    const int shift = kLinearBits - kColumnBits + (width == 0 ? 0 : width - 1);
    return {static_cast<size_t>(width), (nanoseconds >> shift) & (kColumns - 1)};
  }
  /// The smallest value that is counted in a bucket, and how many values are.
  static constexpr uint64_t lower(size_t row, size_t column) {
    return row == 0 ? column * width(0) : (uint64_t{1} << (kLinearBits - 1 + row)) + column * width(row);
  }
  static constexpr uint64_t width(size_t row) {
    return row == 0 ? uint64_t{1} << (kLinearBits - kColumnBits) : uint64_t{1} << (kLinearBits - kColumnBits - 1 + row);
  }
};

/// Counts durations. Untouched it holds no buckets: an octave's row (512 bytes) is allocated by the
/// first duration that falls into it. Thread: one writer, any readers.
class Histogram {
 public:
  Histogram() = default;
  Histogram(const Histogram&) = delete;
  Histogram& operator=(const Histogram&) = delete;
  ~Histogram();

  /// A few nanoseconds. Negative durations count as 0, those over 1 h as 1 h.
  void record(std::chrono::nanoseconds duration) {
    const uint64_t value = clamp(duration);
    const auto [row, column] = HistogramLayout::place(value);
    Row* buckets = rows_[row].load(std::memory_order_relaxed);
    if (buckets == nullptr) [[unlikely]]
      buckets = add_row(row);
    (*buckets)[column].add();
    sum_.add(value);
  }

 private:
  friend class HistogramSnapshot;
  using Row = std::array<Counter, HistogramLayout::kColumns>;

  static uint64_t clamp(std::chrono::nanoseconds duration) {
    if (duration.count() <= 0) return 0;
    const auto value = static_cast<uint64_t>(duration.count());
    return value < HistogramLayout::kMax ? value : HistogramLayout::kMax;
  }
  Row* add_row(size_t row);

  std::array<std::atomic<Row*>, HistogramLayout::kRows> rows_{};
  Counter sum_;  // nanoseconds
};

/// What one or several histograms held at a moment. A plain value; its count is the sum of its
/// buckets, so that the two always agree.
class HistogramSnapshot {
 public:
  /// Adds what `histogram` holds now.
  void add(const Histogram& histogram);
  void add(const HistogramSnapshot& other);

  uint64_t count() const { return count_; }
  std::chrono::nanoseconds sum() const { return std::chrono::nanoseconds(sum_); }
  /// The duration at or below which a fraction `q` (0 … 1) of all lie (nearest rank); 0 when empty.
  std::chrono::nanoseconds quantile(double q) const;
  /// How many are at or below `duration`; inside a bucket by straight line, rounded down, so that the
  /// answer never shrinks as durations are added. Everything is at or below 1 h.
  uint64_t count_at_or_below(std::chrono::nanoseconds duration) const;
  /// What came after `before`, an earlier snapshot of the same histograms; what shrank (a series that
  /// began anew) counts from 0.
  HistogramSnapshot since(const HistogramSnapshot& before) const;

 private:
  uint64_t& bucket(size_t row, size_t column) { return buckets_[row * HistogramLayout::kColumns + column]; }
  void reserve();

  std::vector<uint64_t> buckets_;  // row by row; empty while nothing was added
  uint64_t count_ = 0;
  uint64_t sum_ = 0;  // nanoseconds
};

}  // namespace weir::metrics
