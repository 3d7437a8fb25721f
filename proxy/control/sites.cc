#include "proxy/control/sites.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::control {

namespace {

/// RFC 6797 §6.1; empty where nothing is said.
std::string hsts_line(const std::optional<config::Hsts>& hsts) {
  if (!hsts) return {};
  return fmt::format("Strict-Transport-Security: max-age={}{}{}\r\n", hsts->max_age.count(),
                     hsts->include_subdomains ? "; includeSubDomains" : "", hsts->preload ? "; preload" : "");
}

}  // namespace

std::shared_ptr<const proxy::Publication> Sites::publication(std::shared_ptr<const routing::Snapshot> snapshot,
                                                             const ListenersInForce& listeners,
                                                             const Keyring& keyring) {
  auto publication = std::make_shared<proxy::Publication>();
  const config::Config& config = *snapshot->config;
  for (const config::Listener& listener : config.listeners)
    publication->listeners.push_back(make_listener(listener, listeners.at(listener.address.text), keyring));
  for (size_t i = 0; i < config.services.size(); ++i) {
    publication->services.push_back(make_service(snapshot->services[i], config.services[i], config.timeouts, keyring));
  }
  publication->snapshot = std::move(snapshot);
  std::erase_if(endpoints_, [](const auto& entry) { return entry.second.expired(); });
  std::erase_if(under_way_, [](const auto& entry) { return entry.second.expired(); });
  std::erase_if(queues_, [](const auto& entry) { return entry.second.expired(); });
  std::erase_if(budgets_, [](const auto& entry) { return entry.second.expired(); });
  std::erase_if(mailboxes_, [](const auto& entry) { return entry.second.expired(); });
  std::erase_if(audiences_, [](const auto& entry) { return entry.second.expired(); });
  std::erase_if(healths_, [](const auto& entry) { return entry.second.expired(); });
  return publication;
}

void Sites::set_rollout(const std::string& service, std::shared_ptr<evidence::Tally> tally) {
  rollouts_[service] = std::move(tally);
}

std::shared_ptr<evidence::Tally> Sites::rollout(const std::string& service) const {
  const auto found = rollouts_.find(service);
  return found == rollouts_.end() ? nullptr : found->second;
}

std::shared_ptr<const proxy::ListenerSite> Sites::make_listener(const config::Listener& listener,
                                                                const ListenerInForce& known, const Keyring& keyring) {
  auto site = std::make_shared<proxy::ListenerSite>();
  site->id = known.id;
  site->config = listener;
  site->fallback_host = listener.address.kind == config::Address::Kind::unix_path ? "localhost" : known.bound;
  if (listener.tls) site->tls = keyring.listeners.at(listener.address.text).it;
  site->hsts = hsts_line(listener.hsts);
  site->numbers = registry_.listener(listener.name);
  return site;
}

proxy::ServiceSite Sites::make_service(const routing::ServicePlan& plan, const config::Service& service,
                                       const config::Timeouts& timeouts, const Keyring& keyring) {
  proxy::ServiceSite site;
  site.numbers = registry_.service(service.name);
  site.retries = budget(service);
  site.rollout = rollout(service.name);
  if (service.rollout) site.audience = audience(service.name);
  if (service.feedback) site.feedback = mailbox(service);
  for (const routing::RulePlan& rule : plan.rules) site.rules.push_back(registry_.rule(service.name, rule.name));
  for (const config::Version& version : service.versions) {
    site.versions.push_back(make_version(service, version, timeouts, keyring));
  }
  return site;
}

proxy::VersionSite Sites::make_version(const config::Service& service, const config::Version& version,
                                       const config::Timeouts& timeouts, const Keyring& keyring) {
  proxy::VersionSite site;
  std::shared_ptr<const net::TlsClient> tls;
  if (version.tls) tls = keyring.versions.at({service.name, version.name}).it;
  site.balance = version.balance;
  site.timeouts = {version.timeouts.connect.value_or(timeouts.connect),
                   version.timeouts.response_head.value_or(timeouts.response_head),
                   version.timeouts.response_body.value_or(timeouts.response_body),
                   version.timeouts.upstream_idle.value_or(timeouts.upstream_idle)};
  site.numbers = registry_.version(service.name, version.name);
  site.under_way = under_way(service.name, version.name);
  site.queue = queue(service.name, version);
  if (version.queue) site.queue_timeout = version.queue->timeout;
  for (const config::Endpoint& written : version.endpoints) {
    site.endpoints.push_back({endpoint(service.name, version.name, written.address.text),
                              resolver_.addresses(written.address), version.max_connections, site.queue,
                              written.address.host, tls});
  }
  site.health = health(service, version, site.endpoints);
  site.slow_start = version.slow_start;
  for (const config::OutlierSign sign : version.outlier ? version.outlier->when : std::vector<config::OutlierSign>()) {
    site.outlier.connect |= sign == config::OutlierSign::connect;
    site.outlier.reset |= sign == config::OutlierSign::reset;
    site.outlier.timeout |= sign == config::OutlierSign::timeout;
    site.outlier.status_5xx |= sign == config::OutlierSign::status_5xx;
  }
  return site;
}

/// Without a `queue` nobody joins, and who waits since before is served.
std::shared_ptr<upstream::Queue> Sites::queue(const std::string& service, const config::Version& version) {
  auto& place = queues_[{service, version.name}];
  auto found = place.lock();
  if (!found) place = found = std::make_shared<upstream::Queue>();
  found->configure(version.queue ? version.queue->size : 0);
  return found;
}

std::shared_ptr<upstream::RetryBudget> Sites::budget(const config::Service& service) {
  auto& place = budgets_[service.name];
  auto found = place.lock();
  if (!found) place = found = std::make_shared<upstream::RetryBudget>();
  found->configure(static_cast<uint32_t>(service.retry.value_or(config::Retry{}).budget));
  return found;
}

/// Who said something not long ago is remembered through reloads.
std::shared_ptr<evidence::Mailbox> Sites::mailbox(const config::Service& service) {
  auto& place = mailboxes_[service.name];
  auto found = place.lock();
  if (!found) place = found = std::make_shared<evidence::Mailbox>(feedback_bell_);
  found->configure(service.feedback->every);
  return found;
}

std::shared_ptr<evidence::Audience> Sites::audience(const std::string& service) {
  auto& place = audiences_[service];
  auto found = place.lock();
  if (!found) place = found = std::make_shared<evidence::Audience>(workers_);
  return found;
}

/// What is known of the endpoints stays; what the configuration asks of them may be new.
std::shared_ptr<upstream::Health> Sites::health(const config::Service& service, const config::Version& version,
                                                const std::vector<upstream::EndpointSite>& endpoints) {
  auto& place = healths_[{service.name, version.name}];
  auto found = place.lock();
  if (!found) place = found = std::make_shared<upstream::Health>();
  routing::HealthRules rules;
  if (version.health) {
    rules.fall = version.health->fall;
    rules.rise = version.health->rise;
  }
  if (version.outlier) {
    rules.base = version.outlier->base;
    rules.max = version.outlier->max;
  }
  rules.slow_start = version.slow_start;
  const auto candidate = service.candidate_index();
  rules.is_candidate = candidate && service.versions[*candidate].name == version.name;
  found->configure(rules, version.outlier ? version.outlier->consecutive : 0, version.health.has_value(), endpoints);
  return found;
}

std::shared_ptr<upstream::Endpoint> Sites::endpoint(const std::string& service, const std::string& version,
                                                    const std::string& address) {
  auto& place = endpoints_[{service, version, address}];
  auto found = place.lock();
  if (!found) place = found = std::make_shared<upstream::Endpoint>(service, version, address, workers_);
  return found;
}

std::shared_ptr<proxy::UnderWay> Sites::under_way(const std::string& service, const std::string& version) {
  auto& place = under_way_[{service, version}];
  auto found = place.lock();
  if (!found) place = found = std::make_shared<proxy::UnderWay>();
  return found;
}

void Sites::tell_those_under_way(const proxy::Publication& publication) {
  for (size_t i = 0; i < publication.services.size(); ++i) {
    const routing::ServicePlan& plan = publication.snapshot->services[i];
    const auto& versions = publication.services[i].versions;
    for (size_t v = 0; v < versions.size(); ++v) versions[v].under_way->closed = plan.closed && v == plan.candidate;
  }
}

}  // namespace weir::control
