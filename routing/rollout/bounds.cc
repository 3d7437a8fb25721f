#include "routing/rollout/bounds.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <cmath>

namespace weir::routing::rollout {

namespace {

/// log Γ(prior + n) − log Γ(prior) − n·log θ: one side's part of the e-value.
double side(double prior, uint64_t n, double theta) {
  return std::lgamma(prior + static_cast<double>(n)) - std::lgamma(prior) - static_cast<double>(n) * std::log(theta);
}

}  // namespace

double upper_bound_of_part(uint64_t k, uint64_t n, double alpha) {
  if (n == 0 || k >= n) return 1;
  using Binomial = boost::math::binomial_distribution<double>;
  return Binomial::find_upper_bound_on_p(static_cast<double>(n), static_cast<double>(k), alpha);
}

double exact_lower_bound_of_part(uint64_t k, uint64_t n, double alpha) {
  if (k == 0 || k > n) return 0;
  using Binomial = boost::math::binomial_distribution<double>;
  return Binomial::find_lower_bound_on_p(static_cast<double>(n), static_cast<double>(k), alpha);
}

double lower_bound_of_part(uint64_t k, uint64_t n, double z) {
  if (n == 0) return 0;
  const double all = static_cast<double>(n), part = static_cast<double>(k) / all;
  const double spread = z * std::sqrt(part * (1 - part) / all + z * z / (4 * all * all));
  return std::max(0.0, (part + z * z / (2 * all) - spread) / (1 + z * z / all));
}

double log_split_mismatch(uint64_t candidate, uint64_t stable, double share) {
  constexpr double kPrior = 100;
  if (share <= 0 || share >= 1) return 0;
  const double all = std::lgamma(kPrior) - std::lgamma(kPrior + static_cast<double>(candidate + stable));
  return all + side(kPrior * share, candidate, share) + side(kPrior * (1 - share), stable, 1 - share);
}

GrowthDetector GrowthDetector::armed(uint64_t bad, uint64_t all) {
  GrowthDetector detector;
  if (all >= kLeast) detector.usual_ = static_cast<double>(bad + 1) / static_cast<double>(all + 1);
  return detector;
}

void GrowthDetector::add(uint64_t bad, uint64_t all) {
  if (!is_armed() || (bad == 0 && all == 0)) return;
  const double log_ratio =
      static_cast<double>(bad) * std::log(kGrown) - (kGrown - 1) * usual_ * static_cast<double>(all);
  r_ = std::min((r_ + 1) * std::exp(log_ratio), 1e300);
}

GrowthDetector GrowthDetector::of(double usual, double r) {
  GrowthDetector detector;
  detector.usual_ = usual;
  detector.r_ = r;
  return detector;
}

}  // namespace weir::routing::rollout
