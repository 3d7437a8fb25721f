#include "proxy/upstream/health.h"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

#include "proxy/net/clock.h"

namespace weir::upstream {

namespace {

constexpr size_t kUnknown = ~size_t{0};

routing::HealthTime now() { return std::chrono::duration_cast<routing::HealthTime>(net::monotonic()); }

Absence absence_of(const routing::EndpointHealth& endpoint) {
  if (!endpoint.resolved) return Absence::unresolved;
  if (!endpoint.passes) return Absence::probe;
  if (endpoint.ejected) return Absence::ejected;
  return endpoint.unreachable ? Absence::unreachable : Absence::none;
}

bool same(const routing::HealthRules& a, const routing::HealthRules& b) {
  const auto all = [](const routing::HealthRules& rules) {
    return std::tie(rules.fall, rules.rise, rules.base, rules.max, rules.hold, rules.slow_start, rules.is_candidate);
  };
  return all(a) == all(b);
}

}  // namespace

std::string_view absence_text(Absence absence) {
  switch (absence) {
    case Absence::unresolved:
      return "unresolved";
    case Absence::probe:
      return "probe";
    case Absence::ejected:
      return "ejected";
    case Absence::unreachable:
      return "unreachable";
    case Absence::none:
      break;
  }
  return "";
}

EndpointStanding VersionStanding::of(const Endpoint& endpoint) const {
  const auto found = std::ranges::find(endpoints, &endpoint, &EndpointStanding::endpoint);
  return found == endpoints.end() ? EndpointStanding{} : *found;
}

void Health::configure(const routing::HealthRules& rules, uint32_t consecutive, bool probes,
                       const std::vector<EndpointSite>& sites) {
  const std::lock_guard lock(mutex_);
  const auto time = now();
  std::vector<routing::EndpointHealth> known;
  std::vector<std::shared_ptr<Endpoint>> endpoints;
  std::vector<Absence> told;
  bool edited = sites.size() != endpoints_.size() || !same(rules, health_.rules());
  for (const EndpointSite& site : sites) {
    const size_t before = index_of(*site.endpoint);
    edited |= before != endpoints.size();
    routing::EndpointHealth health;
    if (before != kUnknown) {
      health = health_.endpoints()[before];
    } else if (configured_) {
      health.came_back = time;  // added to those that are there: it has to warm up too
    }
    const bool resolved = !site.addresses.empty();
    if (resolved && !health.resolved) health.came_back = time;
    edited |= health.resolved != resolved;
    health.resolved = resolved;
    if (!probes) {
      edited |= !health.passes || health.probed;
      health.passes = true;
      health.probed = false;
    }
    if (consecutive == 0) {
      edited |= health.ejected || health.unreachable;
      health.ejected = health.unreachable = false;
    }
    told.push_back(before == kUnknown ? Absence::none : told_[before]);
    known.push_back(health);
    endpoints.push_back(site.endpoint);
  }
  consecutive_.store(consecutive, std::memory_order_relaxed);
  endpoints_ = std::move(endpoints);
  told_ = std::move(told);
  // Another version's edit, or another address of the same name, does not end a candidate's rest.
  if (edited) health_.change(rules, std::move(known), time);
  configured_ = true;
  publish(time);
}

size_t Health::index_of(const Endpoint& endpoint) const {
  const auto found = std::ranges::find(endpoints_, &endpoint, [](const auto& known) { return known.get(); });
  return found == endpoints_.end() ? kUnknown : static_cast<size_t>(found - endpoints_.begin());
}

/// Every so many failures it is judged anew: what could not be ejected once may be later.
void Health::failed(Endpoint& endpoint, bool counts, bool connect) {
  const uint32_t limit = consecutive_.load(std::memory_order_relaxed);
  if (limit == 0) return;
  const uint32_t failures = counts ? endpoint.failures.fetch_add(1, std::memory_order_relaxed) + 1 : 0;
  const uint32_t unreached = connect ? endpoint.unreached.fetch_add(1, std::memory_order_relaxed) + 1 : 0;
  const bool eject = failures > 0 && failures % limit == 0;
  const bool unreachable = unreached > 0 && unreached % limit == 0;
  if (!eject && !unreachable) return;
  const std::lock_guard lock(mutex_);
  const size_t index = index_of(endpoint);
  if (index == kUnknown) return;
  const auto time = now();
  if (eject) health_.eject(index, time);
  if (unreachable) health_.reached(index, false, time);
  publish(time);
}

void Health::reached_again(Endpoint& endpoint) {
  endpoint.unreached.store(0, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  const size_t index = index_of(endpoint);
  if (index == kUnknown) return;
  const auto time = now();
  health_.reached(index, true, time);
  publish(time);
}

void Health::probed(Endpoint& endpoint, bool passed) {
  if (passed) endpoint.unreached.store(0, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  const size_t index = index_of(endpoint);
  if (index == kUnknown) return;
  const auto time = now();
  health_.probed(index, passed, time);
  publish(time);
}

void Health::pass_time() {
  const std::lock_guard lock(mutex_);
  const auto time = now();
  std::vector<size_t> ejected;
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    if (health_.endpoints()[i].ejected) ejected.push_back(i);
  }
  health_.pass_time(time);
  // One that is let in again is on probation: its first failure takes it out.
  const uint32_t limit = consecutive_.load(std::memory_order_relaxed);
  for (const size_t i : ejected) {
    if (!health_.endpoints()[i].ejected && limit > 0) endpoints_[i]->failures.store(limit - 1);
  }
  publish(time);
}

/// Under the lock: workers look again, and what became different is told once.
void Health::publish(routing::HealthTime time) {
  bool changed = false;
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    const Absence is = absence_of(health_.endpoints()[i]);
    if (is == told_[i]) continue;
    tell(i, is);
    told_[i] = is;
    changed = true;
  }
  if (health_.available() != available_.load(std::memory_order_relaxed)) {
    available_.store(health_.available(), std::memory_order_relaxed);
    news_.push_back({.what = HealthNews::What::fallback, .on = !health_.available()});
    changed = true;
  }
  if (health_.panics() != told_panic_) {
    told_panic_ = health_.panics();
    news_.push_back({.what = HealthNews::What::panic, .on = told_panic_});
    changed = true;
  }
  const bool warming = health_.warming(time);
  changed = changed || warming != std::exchange(was_warming_, warming);
  if (changed) changes_.fetch_add(1, std::memory_order_relaxed);
}

void Health::tell(size_t endpoint, Absence is) {
  HealthNews news{.what = HealthNews::What::endpoint, .on = is == Absence::none};
  news.endpoint = endpoints_[endpoint]->name;
  news.why = is == Absence::none ? std::string(absence_text(told_[endpoint])) : std::string(absence_text(is));
  if (is == Absence::ejected) news.time = health_.endpoints()[endpoint].ejected_until - now();
  news_.push_back(std::move(news));
}

std::vector<HealthNews> Health::take_news() {
  const std::lock_guard lock(mutex_);
  return std::exchange(news_, {});
}

VersionStanding Health::standing() const {
  const std::lock_guard lock(mutex_);
  const auto time = now();
  VersionStanding standing{.available = health_.available(), .panics = health_.panics(), .endpoints = {}};
  if (!standing.available) {
    standing.back_in = std::max(routing::HealthTime(0), health_.fell_at() + health_.rules().hold - time);
  }
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    const routing::EndpointHealth& health = health_.endpoints()[i];
    EndpointStanding one{
        .endpoint = endpoints_[i].get(), .absence = absence_of(health), .ejections = health.ejections_ever};
    if (one.absence == Absence::ejected)
      one.for_another = std::max(routing::HealthTime(0), health.ejected_until - time);
    standing.endpoints.push_back(one);
  }
  return standing;
}

bool Health::weigh(const std::vector<EndpointSite>& sites, std::vector<Weighed>& into) const {
  const std::lock_guard lock(mutex_);
  into.clear();
  for (const EndpointSite& site : sites) {
    const size_t index = index_of(*site.endpoint);
    const bool used = !site.addresses.empty() && (index == kUnknown || health_.used(index));
    into.push_back({used, index == kUnknown ? routing::HealthTime(0) : health_.endpoints()[index].came_back});
  }
  return health_.warming(now());
}

}  // namespace weir::upstream
