#include <fmt/format.h>

#include "config/validate.h"

namespace weir::config {

namespace {

void complete_split(const Service& service, std::optional<Split>& split) {
  if (!split) return;
  const auto candidate = service.candidate_index();
  const Share share = service.candidate_share(split);
  const Share rest{static_cast<uint32_t>(kEverybody) - static_cast<uint32_t>(share)};
  split->shares = {{service.versions[service.stable_index()].name, rest}};
  if (candidate) split->shares.emplace_back(service.versions[*candidate].name, share);
}

void complete_service(Service& service) {
  if (service.cohort.salt.empty()) service.cohort.salt = service.name;
  if (service.stable.empty()) service.stable = service.versions.front().name;
  complete_split(service, service.split);
  for (size_t i = 0; i < service.rules.size(); ++i) {
    Rule& rule = service.rules[i];
    if (rule.name.empty()) rule.name = fmt::format("rule-{}", i + 1);
    complete_split(service, rule.split);
  }
}

}  // namespace

void complete(Config& config) {
  for (Listener& listener : config.listeners) {
    if (listener.name.empty()) listener.name = listener.address.text;
  }
  for (Service& service : config.services) complete_service(service);
}

}  // namespace weir::config
