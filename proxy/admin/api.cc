#include "proxy/admin/api.h"

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

namespace weir::admin {
namespace {

namespace json = boost::json;

/// Service, version, address -> state.
using States = std::map<std::tuple<std::string_view, std::string_view, std::string_view>, const EndpointState*>;

States index(const std::vector<EndpointState>& endpoints) {
  States states;
  for (const EndpointState& state : endpoints) states[{state.service, state.version, state.address}] = &state;
  return states;
}

json::array matches(const config::Service& service) {
  json::array all;
  for (const auto& match : service.match) {
    json::object one;
    if (!match.host.empty()) one["host"] = match.host;
    if (!match.path_prefix.empty()) one["path_prefix"] = match.path_prefix;
    all.push_back(std::move(one));
  }
  return all;
}

std::string_view without_key_text(config::WithoutKey way) {
  switch (way) {
    case config::WithoutKey::client_ip:
      return "client_ip";
    case config::WithoutKey::mint:
      return "mint";
    case config::WithoutKey::random:
      return "random";
    case config::WithoutKey::stable:
      break;
  }
  return "stable";
}

json::object cohort(const config::Cohort& cohort) {
  json::array keys;
  for (const auto& key : cohort.keys) keys.emplace_back(key.text());
  return {{"key", std::move(keys)}, {"salt", cohort.salt}, {"without_key", without_key_text(cohort.without_key)}};
}

/// Share per version, as `90%`: what the candidate does not have is the stable version's.
json::object shares(const config::Service& service, config::Share candidate_share) {
  const size_t stable = service.stable_index();
  const uint32_t rest = static_cast<uint32_t>(config::kEverybody) - static_cast<uint32_t>(candidate_share);
  json::object all;
  for (size_t i = 0; i < service.versions.size(); ++i) {
    all[service.versions[i].name] = config::share_text(i == stable ? config::Share{rest} : candidate_share);
  }
  return all;
}

json::array rules(const config::Service& service) {
  json::array all;
  for (const auto& rule : service.rules) {
    json::object one{{"name", rule.name}};
    if (rule.split) {
      one["shares"] = shares(service, service.candidate_share(rule.split));
    } else {
      one["send"] = rule.send;
    }
    all.push_back(std::move(one));
  }
  return all;
}

double seconds(std::chrono::nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }

json::array endpoints(const config::Service& service, const config::Version& version, const States& states) {
  json::array all;
  for (const auto& endpoint : version.endpoints) {
    const auto at = states.find({service.name, version.name, endpoint.address.text});
    const EndpointState* state = at == states.end() ? nullptr : at->second;
    json::object one{{"address", endpoint.address.text},
                     {"up", state != nullptr && state->up},
                     {"why", nullptr},
                     {"for_seconds", nullptr},
                     {"ejections", state == nullptr ? 0 : state->ejections},
                     {"connections", state == nullptr ? 0 : state->connections}};
    if (state != nullptr && !state->why.empty()) one["why"] = state->why;
    if (state != nullptr && state->for_another.count() > 0) one["for_seconds"] = seconds(state->for_another);
    all.push_back(std::move(one));
  }
  return all;
}

json::object quantiles(const metrics::HistogramSnapshot& durations) {
  return {{"p50", seconds(durations.quantile(0.5))},
          {"p90", seconds(durations.quantile(0.9))},
          {"p99", seconds(durations.quantile(0.99))},
          {"p99.9", seconds(durations.quantile(0.999))}};
}

json::object requests(const metrics::VersionSummary& numbers) {
  json::object by_class;
  for (size_t i = 0; i < metrics::kCodeClasses; ++i) by_class[metrics::kCodeClassNames[i]] = numbers.requests[i];
  return by_class;
}

json::object version_object(const View& view, const config::Service& service, const config::Version& version,
                            const States& states) {
  const metrics::VersionSummary nothing;
  const auto* found = metrics::find(view.numbers, service.name, version.name);
  const metrics::VersionSummary& numbers = found ? *found : nothing;
  const auto state = std::ranges::find_if(view.versions, [&](const VersionState& one) {
    return one.service == service.name && one.version == version.name;
  });
  const VersionState health = state == view.versions.end() ? VersionState{} : *state;
  json::value back_in = nullptr;
  if (!health.available) back_in = seconds(health.back_in);
  return {{"name", version.name},
          {"available", health.available},
          {"back_in_seconds", std::move(back_in)},
          {"panic", health.panics},
          {"balance", version.balance == config::Balance::round_robin ? "round_robin" : "least_requests"},
          {"max_connections", version.max_connections},
          {"endpoints", endpoints(service, version, states)},
          {"in_flight", numbers.in_flight},
          {"requests", requests(numbers)},
          {"errors", numbers.errors},
          {"duration_seconds", quantiles(numbers.duration)}};
}

/// The candidate's part of what the split decided, as `9.8765%`; null while it decided nothing.
json::value seen(const View& view, const config::Service& service, const std::string& candidate) {
  uint64_t decided = 0;
  for (const auto& version : service.versions) {
    const auto* numbers = metrics::find(view.numbers, service.name, version.name);
    if (numbers) decided += numbers->decided[metrics::kBySplit];
  }
  if (decided == 0) return nullptr;
  const double part = metrics::seen_share(view.numbers, service.name, candidate);
  return json::value(config::share_text(config::Share{static_cast<uint32_t>(std::lround(part * 1e6))}));
}

json::object service_object(const View& view, size_t index, const States& states) {
  const config::Service& service = view.snapshot->config->services[index];
  const routing::ServicePlan& plan = view.snapshot->services[index];
  json::object object{{"name", service.name},
                      {"match", matches(service)},
                      {"cohort", cohort(service.cohort)},
                      {"stable", plan.versions[plan.stable].name},
                      {"candidate", nullptr},
                      {"closed", plan.closed},
                      {"revision", plan.revision},
                      {"shares", shares(service, plan.has_candidate ? plan.share : config::kNobody)},
                      {"seen", nullptr},
                      {"rules", rules(service)}};
  if (plan.has_candidate) {
    const std::string& candidate = plan.versions[plan.candidate].name;
    object["candidate"] = candidate;
    object["seen"] = seen(view, service, candidate);
  }
  json::array versions;
  for (const auto& version : service.versions) versions.push_back(version_object(view, service, version, states));
  object["versions"] = std::move(versions);
  return object;
}

}  // namespace

std::string services_json(const View& view) {
  const States states = index(view.endpoints);
  json::array services;
  for (size_t i = 0; i < view.snapshot->services.size(); ++i) services.push_back(service_object(view, i, states));
  return json::serialize(json::object{{"services", std::move(services)}}) + "\n";
}

std::optional<std::string> service_json(const View& view, std::string_view service) {
  const auto& services = view.snapshot->services;
  for (size_t i = 0; i < services.size(); ++i) {
    if (services[i].name != service) continue;
    return json::serialize(service_object(view, i, index(view.endpoints))) + "\n";
  }
  return std::nullopt;
}

}  // namespace weir::admin
