#include <strings.h>

#include <fmt/format.h>

#include <algorithm>

#include "config/validate.h"

namespace weir::config {

namespace {

bool trusts(const Listener& listener, const std::string& header) {
  return std::any_of(listener.trusted_headers.begin(), listener.trusted_headers.end(),
                     [&](const std::string& trusted) { return strcasecmp(trusted.c_str(), header.c_str()) == 0; });
}

bool trusted_everywhere(const Config& config, const std::string& header) {
  return std::all_of(config.listeners.begin(), config.listeners.end(),
                     [&](const Listener& listener) { return trusts(listener, header); });
}

bool trusts_nobody(const Listener& listener) { return listener.trusted_proxies.empty() && !listener.trust_unix_peers; }

bool asks_region(const Conditions& when) {
  return !when.regions.empty() || std::any_of(when.not_.begin(), when.not_.end(), asks_region);
}

void warn_of_listeners(const Config& config, const Node& root, Warnings& warnings) {
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    const Listener& listener = config.listeners[i];
    if (listener.proxy_protocol != ProxyProtocol::accept || !trusts_nobody(listener)) continue;
    warnings.push_back({place(root, {"listeners", i, "proxy_protocol"}),
                        "proxy_protocol: accept without trusted_proxies: nobody is believed; name them"});
  }
}

void warn_of_keys(const Service& service, const Node& node, Warnings& warnings) {
  if (service.cohort.keys.size() < 2) return;
  warnings.push_back({place(node, {"cohort", "key"}),
                      fmt::format("{} has several cohort keys: a user whose key changes (at login, say) may change "
                                  "version",
                                  service.name)});
}

/// A header that opens the candidate to anybody who sends it: none of the rule's is trusted, and no
/// address is asked for.
void warn_of_open_door(const Config& config, const Service& service, const Rule& rule, Warnings& warnings) {
  const auto candidate = service.candidate_index();
  if (!candidate || rule.send != service.versions[*candidate].name) return;
  const auto& headers = rule.when.headers;
  const bool guarded = std::any_of(headers.begin(), headers.end(),
                                   [&](const NamedTest& test) { return trusted_everywhere(config, test.name); });
  if (headers.empty() || guarded || !rule.when.client_ip.empty()) return;
  warnings.push_back({headers.front().test.where,
                      fmt::format("rule {} sends to {} by the header {}, which anybody can send; name it in "
                                  "trusted_headers of every listener",
                                  rule.name, rule.send, headers.front().name)});
}

void warn_of_regions(const Config& config, const Rule& rule, Warnings& warnings) {
  if (!config.regions.empty() || !asks_region(rule.when)) return;
  warnings.push_back({rule.when.where, fmt::format("rule {} asks for a region, but there are no regions: everybody is "
                                                   "in ZZ; add regions",
                                                   rule.name)});
}

/// A split that can take nobody in: who has no key stays on the stable version, and no key is named.
void warn_of_nobody(const Service& service, const std::optional<Split>& split, Warnings& warnings) {
  const bool keyless = service.cohort.keys.empty() && service.cohort.without_key == WithoutKey::stable;
  if (!keyless || service.candidate_share(split) == kNobody) return;
  warnings.push_back({split->where, fmt::format("nobody gets to {}: {} has no cohort key, and without_key is stable; "
                                                "write cohort: {{key: cookie:NAME}}, say",
                                                service.versions[*service.candidate_index()].name, service.name)});
}

/// Health that has nobody to weigh against.
void warn_of_lone_endpoint(const Service& service, const Node& node, Warnings& warnings) {
  for (const Version& version : service.versions) {
    if (version.endpoints.size() != 1) continue;
    const Node& written = node.find("versions")->value.find(version.name)->value;
    if (written.has("slow_start")) {
      warnings.push_back(
          {place(written, {"slow_start"}),
           fmt::format("slow_start: {} has one endpoint, which gets all there is; take this out", version.name)});
    }
    if (written.has("outlier") && version.outlier && version.name == service.stable) {
      warnings.push_back({place(written, {"outlier"}),
                          fmt::format("outlier: {} has one endpoint, and the only one is never taken out; take this "
                                      "out",
                                      version.name)});
    }
  }
}

void warn_of_endless_room(const Service& service, const Node& node, Warnings& warnings) {
  for (const Version& version : service.versions) {
    if (!version.queue || version.max_connections > 0) continue;
    warnings.push_back({place(node, {"versions", version.name, "queue"}),
                        fmt::format("queue: {} has no limit of connections (max_connections: 0), so nobody waits; take "
                                    "this out, or set a limit",
                                    version.name)});
  }
}

void warn_of_idle_rescue(const Service& service, const Node& node, Warnings& warnings) {
  if (!service.retry) return;
  const Node& written = node.find("retry")->value;
  const bool nothing = service.retry->rescue_on_stable && (!service.candidate_index() || service.retry->retries == 0);
  if (nothing) {
    warnings.push_back({place(written, {"rescue_on_stable"}),
                        fmt::format("rescue_on_stable: {} has {}; take this out", service.name,
                                    service.candidate_index() ? "no retries" : "no candidate to rescue from")});
  }
}

void warn_of_unverified(const Service& service, Warnings& warnings) {
  for (const Version& version : service.versions) {
    if (!version.tls || version.tls->verify != Verify::none) continue;
    warnings.push_back({version.tls->where, fmt::format("tls of {} verifies nothing: whoever answers at its endpoints' "
                                                        "addresses is believed; write verify: full and ca",
                                                        version.name)});
  }
}

/// A token that whoever listens on the way can read; one that nobody is asked for.
void warn_of_token(const Config& config, const Node& root, Warnings& warnings) {
  if (!config.admin || config.admin->token_file.empty()) return;
  const Admin& admin = *config.admin;
  const Where& where = place(root, {"admin", "token_file"});
  if (!admin.tls && !is_loopback(admin.address)) {
    warnings.push_back({where, "token_file: the token goes over the network as it is; add tls to admin"});
  }
  const bool all_certified =
      admin.tls && !admin.tls->client_ca.empty() && admin.tls->client_certificate == ClientCertificate::require;
  if (all_certified) {
    warnings.push_back({where,
                        "token_file: nobody is asked for the token where everybody must show a certificate; "
                        "take it out, or write client_certificate: request"});
  }
}

}  // namespace

Warnings warnings_of(const Config& config, const Node& root) {
  Warnings warnings;
  warn_of_listeners(config, root, warnings);
  warn_of_token(config, root, warnings);
  for (size_t i = 0; i < config.services.size(); ++i) {
    const Service& service = config.services[i];
    warn_of_keys(service, root.find("services")->value.items[i], warnings);
    warn_of_nobody(service, service.split, warnings);
    warn_of_endless_room(service, root.find("services")->value.items[i], warnings);
    warn_of_idle_rescue(service, root.find("services")->value.items[i], warnings);
    warn_of_lone_endpoint(service, root.find("services")->value.items[i], warnings);
    warn_of_unverified(service, warnings);
    for (const Rule& rule : service.rules) {
      warn_of_nobody(service, rule.split, warnings);
      warn_of_open_door(config, service, rule, warnings);
      warn_of_regions(config, rule, warnings);
    }
  }
  return warnings;
}

}  // namespace weir::config
