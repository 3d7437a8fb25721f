// What counts alone can say: bounds of a ratio, whether a split is what was asked for, whether a rate has grown.
#pragma once

#include <cstdint>

namespace weir::routing::rollout {

/// Clopper & Pearson's upper bound: of `n`, `k` were seen to err; the true part is above it with probability
/// at most `alpha`. 1 where n is 0.
double upper_bound_of_part(uint64_t k, uint64_t n, double alpha);

/// The lower bound likewise; 0 where k is 0.
double exact_lower_bound_of_part(uint64_t k, uint64_t n, double alpha);

/// Wilson's lower bound at `z` standard deviations; 0 where n is 0.
double lower_bound_of_part(uint64_t k, uint64_t n, double z);

/// How much users of the candidate and of the stable version speak against `share` (0 … 1): the logarithm of the
/// Dirichlet-multinomial e-value with prior 100·θ (Lindon & Malek, 2022). 0 where the share leaves nothing to ask.
double log_split_mismatch(uint64_t candidate, uint64_t stable, double share);

/// Has a rate grown to `kGrown` times what it was? Shiryaev & Roberts: R = (R + 1)·L, with the likelihood ratio
/// of Poisson counts. While nothing changes, kAlarm updates pass before a false alarm, on average.
class GrowthDetector {
 public:
  static constexpr double kGrown = 5;
  static constexpr double kAlarm = 1e6;

  GrowthDetector() = default;
  /// The rate that was usual: `bad` of `all`; fewer than kLeast are no basis, and it stays unarmed.
  static GrowthDetector armed(uint64_t bad, uint64_t all);
  static constexpr uint64_t kLeast = 1000;

  void add(uint64_t bad, uint64_t all);
  bool is_armed() const { return usual_ > 0; }
  bool alarm() const { return r_ >= kAlarm; }

  double usual() const { return usual_; }
  double r() const { return r_; }
  static GrowthDetector of(double usual, double r);

 private:
  double usual_ = 0;  // 0: not armed
  double r_ = 0;
};

}  // namespace weir::routing::rollout
