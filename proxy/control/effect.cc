#include "proxy/control/effect.h"

#include <fmt/format.h>

#include <algorithm>

#include "proxy/control/splits.h"
#include "routing/decide.h"

namespace weir::control {

static_assert(kByWithoutKey == static_cast<size_t>(routing::DecidedBy::without_key));

namespace {

uint32_t millionths(config::Share share) { return static_cast<uint32_t>(share); }
double part(config::Share share) { return millionths(share) / static_cast<double>(millionths(config::kEverybody)); }

/// What of a load goes by the shares: who has no key only where they are split too.
double movable(const config::Service& service, const Load& load) {
  return load.by_split + (service.cohort.without_key == config::WithoutKey::stable ? 0 : load.without_key);
}

void rates(const config::Service& service, const Shares& after, const std::vector<VersionLoad>& loads, bool closes,
           Effect& effect) {
  double all = 0, moving = 0;
  for (const VersionLoad& version : loads) {
    all += version.load.rate;
    moving += movable(service, version.load);
  }
  for (size_t i = 0; i < loads.size(); ++i) {
    const std::string& name = service.versions[i].name;
    const Load& load = loads[i].load;
    const double then = closes ? (name == service.stable ? all : 0)
                               : load.rate - movable(service, load) + moving * part(share_of(after, name));
    effect.rates_now.emplace_back(name, load.rate);
    effect.rates_then.emplace_back(name, then);
  }
}

/// As many requests are under way as come in a second, times the seconds that each takes (Little's law).
void warn_of_capacity(const config::Service& service, const std::vector<VersionLoad>& loads, Effect& effect) {
  double known = 0;
  for (const VersionLoad& version : loads) known = std::max(known, version.load.seconds);
  for (size_t i = 0; i < loads.size(); ++i) {
    const config::Version& version = service.versions[i];
    const double rate = effect.rates_then[i].second;
    const double seconds = loads[i].load.seconds > 0 ? loads[i].load.seconds : known;
    const double places = static_cast<double>(version.max_connections * version.endpoints.size());
    const double needed = rate * seconds;
    if (version.max_connections == 0 || needed <= places || rate <= loads[i].load.rate) continue;
    effect.warnings.push_back(fmt::format(
        "{} may have {:.0f} requests under way (max_connections {} on {} endpoints); {:.1f}/s that take {:.0f} ms each "
        "need {:.0f}",
        version.name, places, version.max_connections, version.endpoints.size(), rate, seconds * 1000, needed));
  }
}

void warn_of_who_is_down(const config::Service& service, const Shares& after, const std::vector<VersionLoad>& loads,
                         Effect& effect) {
  for (size_t i = 0; i < loads.size(); ++i) {
    const std::string& name = service.versions[i].name;
    if (loads[i].up || share_of(after, name) == config::kNobody) continue;
    effect.warnings.push_back(
        name == service.stable
            ? fmt::format("{} has no endpoint that can be used: its requests fail", name)
            : fmt::format("{} has no endpoint that can be used: its requests go to {}", name, service.stable));
  }
}

}  // namespace

Effect effect_of(const config::Service& service, const Shares& before, const Shares& after,
                 const std::vector<VersionLoad>& loads, bool closes) {
  Effect effect;
  const auto candidate = service.candidate_index();
  if (!candidate) return effect;
  const std::string& name = service.versions[*candidate].name;
  const uint32_t from = millionths(share_of(before, name)), to = millionths(share_of(after, name));
  if (from != to) {
    effect.from = to > from ? service.stable : name;
    effect.to = to > from ? name : service.stable;
    effect.first_bucket = std::min(from, to);
    effect.last_bucket = std::max(from, to) - 1;
    effect.moved = config::Share{std::max(from, to) - std::min(from, to)};
  }
  rates(service, after, loads, closes, effect);
  if (!closes) {
    for (const config::Rule& rule : service.rules) effect.overriding_rules.push_back(rule.name);
  }
  warn_of_capacity(service, loads, effect);
  warn_of_who_is_down(service, after, loads, effect);
  return effect;
}

}  // namespace weir::control
