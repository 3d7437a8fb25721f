// The two sequential tests of a metric, by who errs next: evidence of harm, and evidence of safety.
//
// The unit is a user's first bad event. While the versions are alike it falls to the candidate with
// probability ρ, its share in force, whatever the rates, bursts and drifts are. Both are e-processes:
// non-negative, of mean at most 1 under what they test, so that P(sup E ≥ 1/α) ≤ α however often one looks
// (Ville). Lindon & Malek, "Anytime-Valid Inference for Multinomial Count Data" (NeurIPS 2022).
#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace weir::routing::rollout {

/// Tests "the candidate is no worse": E = mean over δ of exp(log L_δ), log L_δ += x·ln δ − ln(1 − ρ + ρδ).
/// Averaged with a fresh copy begun at each stage, so that a late fault shows past a good history:
/// ½·E_run + ½·mean_k E_k, a stage not begun counting 1.
class HarmEvidence {
 public:
  static constexpr std::array kRatios{1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 200.0, 1000.0};
  using Logs = std::array<double, kRatios.size()>;

  explicit HarmEvidence(size_t stages = 0) : copies_(stages) {}

  /// A copy that runs already goes on.
  void begin_stage(size_t stage);
  /// `rho`: the probability with which the user was given the candidate, above 0; at 1 nothing is learnt.
  void add(bool candidate, double rho);
  double log_e() const;

  /// Everything there is to keep: the whole run first, then a copy a stage (empty: not begun).
  std::vector<std::vector<double>> values() const;
  static HarmEvidence of(const std::vector<std::vector<double>>& values);

 private:
  struct Copy {
    bool begun = false;
    Logs logs{};
  };
  Logs run_{};
  std::vector<Copy> copies_;
};

/// Tests "the candidate is at least `margin` times as bad": large E is evidence of safety.
class SafetyEvidence {
 public:
  static constexpr std::array kRatios{1.2, 1.0, 0.8, 0.5};
  using Logs = std::array<double, kRatios.size()>;

  void add(bool candidate, double rho, double margin);
  double log_e() const;
  /// What an event adds to the logarithm, on average, while the versions are alike.
  static double growth(double rho, double margin);

  const Logs& logs() const { return logs_; }
  static SafetyEvidence of(const Logs& logs);

 private:
  Logs logs_{};
};

}  // namespace weir::routing::rollout
