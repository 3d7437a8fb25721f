#include "routing/rollout/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace weir::routing::rollout {

namespace {

constexpr uint64_t kLeastHarmed = 5;     // users, before weir rolls back by itself …
constexpr double kLeastPart = 0.001;     // … and more of the candidate's users than of the stable version's
constexpr uint64_t kDeadAfter = 2;       // users that erred in a row, with no good answer between
constexpr double kWilsonZ = 3;           // limits: about one in 700
constexpr double kSplitMismatch = 1000;  // e-value
constexpr double kFullFilter = 0.5;      // of its places: from here on its estimate is too rough for the split
constexpr uint64_t kMostUsersAsked = 10'000'000;

const MetricEvidence& of(const State& state, Metric metric) { return state.evidence[static_cast<size_t>(metric)]; }

bool judged(const Plan& plan, Metric metric) { return plan.judged[static_cast<size_t>(metric)]; }

double part(uint64_t erred, double users) { return users < 1 ? 0 : static_cast<double>(erred) / users; }

/// Users harmed more than on the stable version, as a part of the candidate's.
double excess(const State& state, const MetricEvidence& evidence) {
  return part(evidence.erred_here[kCandidate].size(), state.seen[kCandidate].users()) -
         part(evidence.erred_here[kStable].size(), state.seen[kStable].users());
}

std::string counts_text(const char* name, const MetricEvidence& evidence) {
  return fmt::format("{}: {} users erred first on the candidate, {} on the stable version, E {:.3g}", name,
                     evidence.first[kCandidate], evidence.first[kStable], e_value(evidence.harm.log_e()));
}

std::optional<Verdict> compare(const Plan& plan, const State& state, Metric metric) {
  const MetricEvidence& evidence = of(state, metric);
  if (evidence.harm.log_e() < std::log(plan.fail_at())) return std::nullopt;
  const std::string why = fmt::format("{} (limit {:.4g})",
                                      counts_text(kMetricNames[static_cast<size_t>(metric)], evidence), plan.fail_at());
  const bool dead = metric == Metric::errors && state.streak >= kDeadAfter;
  if (dead) return Verdict{Harm::fails, why + "; no good answer between them"};
  const bool many = evidence.first[kCandidate] >= kLeastHarmed && excess(state, evidence) >= kLeastPart;
  return Verdict{many ? Harm::fails : Harm::small, why};
}

/// A ceiling that the candidate is above and the stable version is not; above it both: nobody blames the candidate.
std::optional<Verdict> limit(const State& state, const char* what, double most, uint64_t Count::*bad) {
  const auto above = [&](Side side) {
    return lower_bound_of_part(state.here[side].*bad, state.here[side].requests, kWilsonZ) > most;
  };
  if (!above(kCandidate)) return std::nullopt;
  const Count& count = state.here[kCandidate];
  const std::string why =
      fmt::format("{}: {} of {} requests, limit {:.4g}%", what, count.*bad, count.requests, 100 * most);
  if (above(kStable)) return Verdict{Harm::stable_fails, why + ", and the stable version is above it too"};
  return Verdict{Harm::fails, why};
}

std::optional<Verdict> limits(const Plan& plan, const State& state) {
  constexpr double kSlowest = 0.01;  // what is slower than a p99
  if (plan.error_ratio) {
    if (auto verdict = limit(state, "limits.error_ratio", *plan.error_ratio, &Count::failed)) return verdict;
  }
  if (!plan.p99) return std::nullopt;
  return limit(state, "limits.p99", kSlowest, &Count::over_p99);
}

/// The α of the j-th look is half of that before.
double alpha_of_look(const Plan& plan, unsigned look) { return plan.pass / std::pow(2.0, look); }

bool look_is_due(const Plan& plan, const State& state) {
  if (state.looks == 0) return true;
  if (plan.if_undecided == config::IfUndecided::extend) {
    return state.in_stage - state.at_look >= plan.stages[state.stage].hold;
  }
  const bool another_half = state.in_stage >= 2 * state.at_look;  // there may be no more users
  return another_half || state.seen[kCandidate].size() >= 2 * state.users_at_look;
}

/// What of the stable version's users err for sure: the candidate may not be blamed for as much. It spends next to
/// nothing of the look's α, as there are many of them.
double usual_part(const State& state, const MetricEvidence& evidence, double alpha) {
  constexpr double kSpent = 0.001;
  const auto users = static_cast<uint64_t>(std::ceil(state.seen[kStable].users()));
  return exact_lower_bound_of_part(evidence.erred_here[kStable].size(), users, kSpent * alpha);
}

/// Is it shown that at most `tolerance` more of the candidate's users err than of the stable version's?
bool exposure_passes(const Plan& plan, const State& state, const MetricEvidence& evidence, uint64_t users,
                     uint64_t erred, double alpha) {
  return upper_bound_of_part(erred, users, alpha) - usual_part(state, evidence, alpha) <= plan.tolerance;
}

void look_at_exposure(const Plan& plan, State& state) {
  ++state.looks;
  state.at_look = state.in_stage;
  state.users_at_look = state.seen[kCandidate].size();
  for (MetricEvidence& evidence : state.evidence) {
    evidence.exposed |= exposure_passes(plan, state, evidence, state.seen[kCandidate].size(),
                                        evidence.erred_here[kCandidate].size(), alpha_of_look(plan, state.looks));
  }
}

bool metric_passes(const Plan& plan, const MetricEvidence& evidence) {
  return evidence.exposed || evidence.safety.log_e() >= std::log(1 / plan.pass);
}

/// Users to be seen at the next look if they go on erring as now; kMostUsersAsked: not in sight.
uint64_t users_for_exposure(const Plan& plan, const State& state, const MetricEvidence& evidence) {
  const auto seen = static_cast<double>(std::max<uint64_t>(1, state.seen[kCandidate].size()));
  const double errs = static_cast<double>(evidence.erred_here[kCandidate].size()) / seen;
  const double alpha = alpha_of_look(plan, state.looks + 1);
  uint64_t least = 1, most = kMostUsersAsked;
  while (least < most) {
    const uint64_t middle = least + (most - least) / 2;
    const auto erring = static_cast<uint64_t>(errs * static_cast<double>(middle));
    if (exposure_passes(plan, state, evidence, middle, erring, alpha)) {
      most = middle;
    } else {
      least = middle + 1;
    }
  }
  const bool doubles = state.looks > 0 && plan.if_undecided != config::IfUndecided::extend;
  return doubles ? std::max(least, 2 * state.users_at_look) : least;
}

std::optional<double> minutes_for(double more, double so_far, milliseconds passed) {
  if (so_far <= 0 || passed.count() == 0) return std::nullopt;
  return more / so_far * std::chrono::duration<double, std::ratio<60>>(passed).count();
}

std::string forecast_text(uint64_t more, const char* who, std::optional<double> minutes) {
  if (!minutes) return fmt::format("needs about {} more {}; there is no traffic", more, who);
  const double whole = std::max(1.0, std::round(*minutes));
  return fmt::format("needs about {} more {}, {:.0f} minute{}", more, who, whole, whole > 1 ? "s" : "");
}

Forecast users_missing(const State& state, uint64_t wanted) {
  Forecast missing;
  const uint64_t seen = state.seen[kCandidate].size();
  missing.users = wanted > seen ? wanted - seen : 0;
  if (missing.users == 0) return missing;
  missing.minutes = minutes_for(static_cast<double>(missing.users), static_cast<double>(seen), state.in_stage);
  missing.text = forecast_text(missing.users, "users", missing.minutes);
  return missing;
}

/// First bad events, on either side, until the comparison decides.
Forecast events_missing(const Plan& plan, const State& state, const MetricEvidence& evidence) {
  const double rho = fraction(state.share);
  const double growth = SafetyEvidence::growth(rho, plan.margin);
  const double lacking = std::log(1 / plan.pass) - evidence.safety.log_e();
  Forecast missing;
  missing.users = static_cast<uint64_t>(std::ceil(std::max(1.0, growth > 0 ? lacking / growth : 1e6)));
  const uint64_t so_far = state.fresh[kStable] + state.fresh[kCandidate];
  missing.minutes = minutes_for(static_cast<double>(missing.users), static_cast<double>(so_far), state.in_stage);
  missing.text = forecast_text(missing.users, "users that err on either version", missing.minutes);
  return missing;
}

bool sooner(const Forecast& a, const Forecast& b) {
  if (a.minutes.has_value() != b.minutes.has_value()) return a.minutes.has_value();
  return a.minutes.value_or(0) < b.minutes.value_or(0);
}

}  // namespace

double e_value(double log_e) { return std::exp(std::min(log_e, 690.0)); }

std::optional<Verdict> find_harm(const Plan& plan, const State& state, bool candidate_alive) {
  if (!candidate_alive && state.share > config::kNobody) {
    return Verdict{Harm::fails, plan.candidate + " has no endpoint left that can be used"};
  }
  std::optional<Verdict> worst;
  for (const Metric metric : {Metric::errors, Metric::slow}) {
    if (!judged(plan, metric)) continue;
    auto verdict = compare(plan, state, metric);
    if (verdict && verdict->harm == Harm::fails) return verdict;
    if (!worst) worst = std::move(verdict);
  }
  if (auto verdict = limits(plan, state)) return verdict;
  if (state.candidate_worse.alarm()) {
    return Verdict{Harm::fails, fmt::format("errors of {} grew beyond {} times what was usual before the last stage",
                                            plan.candidate, GrowthDetector::kGrown)};
  }
  if (worst) return worst;
  if (state.stable_worse.alarm()) {
    return Verdict{Harm::stable_fails,
                   fmt::format("{} errs more than {} times as often as in the stage before: not the candidate's fault",
                               plan.stable, GrowthDetector::kGrown)};
  }
  return std::nullopt;
}

bool feedback_holds(const Plan& plan, const State& state) {
  return judged(plan, Metric::feedback) && of(state, Metric::feedback).harm.log_e() >= std::log(plan.fail_at());
}

bool split_mismatches(const State& state) {
  const bool too_full =
      static_cast<double>(state.seen[kStable].size()) > kFullFilter * static_cast<double>(UserFilter::kPlaces);
  if (too_full) return false;
  const double mismatch = log_split_mismatch(static_cast<uint64_t>(state.seen[kCandidate].users()),
                                             static_cast<uint64_t>(state.seen[kStable].users()), fraction(state.share));
  return mismatch >= std::log(kSplitMismatch);
}

bool passes(const Plan& plan, State& state) {
  if (look_is_due(plan, state)) look_at_exposure(plan, state);
  for (const Metric metric : {Metric::errors, Metric::slow}) {
    if (judged(plan, metric) && !metric_passes(plan, of(state, metric))) return false;
  }
  return true;
}

Forecast forecast(const Plan& plan, const State& state) {
  Forecast worst = users_missing(state, plan.min_users);
  if (!plan.stages[state.stage].proof_required) return worst;
  for (const Metric metric : {Metric::errors, Metric::slow}) {
    if (!judged(plan, metric) || metric_passes(plan, of(state, metric))) continue;
    Forecast by_exposure = users_missing(state, users_for_exposure(plan, state, of(state, metric)));
    Forecast by_events = events_missing(plan, state, of(state, metric));
    const bool in_sight = by_exposure.users > 0 && by_exposure.users < kMostUsersAsked / 2;
    Forecast& soonest = !in_sight || sooner(by_events, by_exposure) ? by_events : by_exposure;
    if (worst.text.empty() || sooner(worst, soonest)) worst = std::move(soonest);
  }
  return worst;
}

}  // namespace weir::routing::rollout
