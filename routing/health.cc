#include "routing/health.h"

#include <algorithm>
#include <utility>

namespace weir::routing {
namespace {

/// base * 2^ejections, up to max.
HealthTime ejection_time(const HealthRules& rules, uint32_t ejections) {
  HealthTime time = rules.base;
  for (uint32_t i = 0; i < ejections && time < rules.max; ++i) time *= 2;
  return std::min(time, rules.max);
}

}  // namespace

double warmth(HealthTime came_back, HealthTime slow_start, HealthTime now) {
  constexpr double kLeast = 0.1;
  if (came_back == HealthTime::zero() || now - came_back >= slow_start) return 1;
  const double grown = static_cast<double>((now - came_back).count()) / static_cast<double>(slow_start.count());
  return std::max(kLeast, grown);
}

void VersionHealth::change(const HealthRules& rules, std::vector<EndpointHealth> endpoints, HealthTime now) {
  rules_ = rules;
  endpoints_ = std::move(endpoints);
  fallen_ = false;
  judge(now);
}

void VersionHealth::probed(size_t endpoint, bool passed, HealthTime now) {
  EndpointHealth& one = endpoints_[endpoint];
  const bool first = !std::exchange(one.probed, true);
  if (passed) one.unreachable = false;
  if (passed == one.passes) {
    one.against = 0;
  } else if (++one.against >= (passed ? rules_.rise : rules_.fall) || first) {
    one.passes = passed;
    one.against = 0;
    if (passed) came_back(one, now);
  }
  judge(now);
}

bool VersionHealth::eject(size_t endpoint, HealthTime now) {
  EndpointHealth& one = endpoints_[endpoint];
  if (one.ejected) return false;
  const auto ejected = static_cast<size_t>(std::ranges::count_if(endpoints_, &EndpointHealth::ejected));
  const bool leaves_one = usable() > (one.usable() ? 1u : 0u);
  if (2 * (ejected + 1) > endpoints_.size() || !leaves_one) return false;
  // Whoever stayed in for as long as the last time out begins anew.
  const bool again = one.ejections > 0 && now < one.ejected_until + ejection_time(rules_, one.ejections - 1);
  if (!again) one.ejections = 0;
  one.ejected = true;
  one.ejected_until = now + ejection_time(rules_, one.ejections++);
  ++one.ejections_ever;
  judge(now);
  return true;
}

void VersionHealth::reached(size_t endpoint, bool well, HealthTime now) {
  EndpointHealth& one = endpoints_[endpoint];
  const bool was = std::exchange(one.unreachable, !well);
  if (well && was) came_back(one, now);
  judge(now);
}

bool VersionHealth::pass_time(HealthTime now) {
  bool changed = false;
  for (EndpointHealth& endpoint : endpoints_) {
    if (!endpoint.ejected || now < endpoint.ejected_until) continue;
    endpoint.ejected = false;
    if (!fallen_) endpoint.unreachable = false;  // it is tried by requests; else by the prober
    came_back(endpoint, now);
    changed = true;
  }
  const bool was_fallen = fallen_;
  judge(now);
  return changed || fallen_ != was_fallen;
}

void VersionHealth::came_back(EndpointHealth& endpoint, HealthTime now) const {
  if (endpoint.usable()) endpoint.came_back = now;
}

size_t VersionHealth::usable() const {
  return static_cast<size_t>(std::ranges::count_if(endpoints_, &EndpointHealth::usable));
}

/// A candidate whose endpoints all refuse connects is without one, whatever else is known of them.
bool VersionHealth::can_serve() const {
  return std::ranges::any_of(endpoints_, [](const auto& one) { return one.usable() && !one.unreachable; });
}

/// Falls at once, rises no sooner than after `hold`.
void VersionHealth::judge(HealthTime now) {
  if (!rules_.is_candidate) {
    fallen_ = false;
  } else if (!can_serve()) {
    if (!std::exchange(fallen_, true)) fell_at_ = now;
  } else if (fallen_ && now - fell_at_ >= rules_.hold) {
    fallen_ = false;
  }
}

bool VersionHealth::panics() const {
  return !rules_.is_candidate && usable() == 0 && std::ranges::any_of(endpoints_, &EndpointHealth::resolved);
}

bool VersionHealth::used(size_t endpoint) const {
  return usable() > 0 ? endpoints_[endpoint].usable() : endpoints_[endpoint].resolved;
}

double VersionHealth::weight(size_t endpoint, HealthTime now) const {
  return warmth(endpoints_[endpoint].came_back, rules_.slow_start, now);
}

bool VersionHealth::warming(HealthTime now) const {
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    if (weight(i, now) < 1) return true;
  }
  return false;
}

}  // namespace weir::routing
