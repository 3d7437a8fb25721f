// What the metrics page tells of what is published.
#include "proxy/control/publisher.h"

namespace weir::control {

namespace {

/// When the certificates of a listener, or of the admin, expire.
void fill_terms(metrics::Facts& facts, const std::string& listener, const net::TlsServer* tls) {
  if (tls == nullptr) return;
  for (const net::CertificateTerm& term : tls->terms()) {
    facts.certificates.push_back(
        {listener, term.chain, static_cast<double>(term.not_after.time_since_epoch().count())});
  }
}

void fill_health(metrics::Facts& facts, const proxy::VersionSite& site, const std::string& service,
                 const std::string& version) {
  const upstream::VersionStanding standing = site.health->standing();
  facts.versions.push_back({service, version, standing.panics, !standing.available, site.queue->waiting()});
  for (const upstream::EndpointSite& endpoint : site.endpoints) {
    const upstream::EndpointStanding one = standing.of(*endpoint.endpoint);
    facts.endpoints.push_back(
        {service, version, endpoint.endpoint->name, one.absence == upstream::Absence::none, one.ejections});
  }
}

}  // namespace

void Publisher::fill(metrics::Facts& facts) const {
  facts.config_hash = hash_in_force_.empty() ? current_->config().hash : hash_in_force_;
  facts.last_reload_successful = trouble_.empty();
  for (const auto& listener : current_->listeners) fill_terms(facts, listener->config.name, listener->tls.get());
  fill_terms(facts, "admin", keyring_.admin.it.get());
  facts.reloads = {{"success", reloads_ok_}, {"failure", reloads_failed_}};
  for (size_t i = 0; i < current_->services.size(); ++i) {
    const routing::ServicePlan& plan = current_->snapshot->services[i];
    facts.revisions.push_back({plan.name, plan.revision});
    for (const char* source : Store::kSources) {
      facts.split_changes.push_back({plan.name, source, store_.changes(plan.name, source)});
    }
    for (size_t version = 0; version < plan.versions.size(); ++version) {
      const std::string& name = plan.versions[version].name;
      const double candidate = static_cast<double>(plan.share) / static_cast<double>(config::kEverybody);
      const bool is_candidate = plan.has_candidate && version == plan.candidate;
      facts.splits.push_back({plan.name, name, is_candidate ? candidate : plan.has_candidate ? 1 - candidate : 1});
      fill_health(facts, current_->services[i].versions[version], plan.name, name);
    }
  }
}

}  // namespace weir::control
