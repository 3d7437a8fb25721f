#include "proxy/exchange/admission.h"

#include <fmt/format.h>

#include <iterator>

#include "proxy/http/trust.h"
#include "proxy/net/clock.h"
#include "routing/override.h"

namespace weir::proxy {

namespace {

/// Fields that this client may not send are gone before routing sees them.
void remove_forbidden(const Client& client, http::Fields& fields) {
  const config::Listener& listener = client.listener.config;
  const bool nothing = !fields.has(http::FieldId::x_weir) && (client.trusted || listener.trusted_headers.empty());
  if (nothing) return;
  for (size_t i = fields.list.size(); i-- > 0;) {
    if (!http::may_send(listener, client.trusted, fields.list[i].name)) fields.remove(i);
  }
}

/// What X-Weir-Override says, before it is removed as clients' X-Weir-* are.
std::string_view override_token(const http::Fields& fields) {
  if (!fields.has(http::FieldId::x_weir)) return {};
  for (const routing::Field& field : fields.list) {
    if (http::same_name(field.name, routing::kOverrideField)) return field.value;
  }
  return {};
}

bool is_https(const Client& client, const http::Fields& fields) {
  if (!client.trusted || !fields.has(http::FieldId::x_forwarded_proto)) return client.https();
  return http::same_name(fields.value(http::FieldId::x_forwarded_proto), "https");
}

std::string reason_of(const ServiceView& service, const routing::Decision& decision) {
  std::string reason(routing::decided_by_text(decision.by));
  if (decision.rule != routing::kNone) reason += " rule=" + service.plan->rules[decision.rule].name;
  if (decision.bucket) reason += fmt::format(" bucket={}", static_cast<uint32_t>(*decision.bucket));
  return reason;
}

}  // namespace

Admission admit(Worker& worker, const Client& client, View& view, http::RequestHead& head) {
  Admission admission;
  admission.target = http::read_target(head);
  admission.options = http::connection_options(head.fields);
  admission.fault = admission.target.fault;
  if (admission.fault != http::Fault::none) return admission;
  admission.framing = http::request_framing(head);
  admission.fault = admission.framing.fault;
  if (admission.fault != http::Fault::none) return admission;

  const std::string& ready_path = client.listener.config.ready_path;
  if (!ready_path.empty() && admission.target.path == ready_path) {
    admission.readiness = true;
    return admission;
  }
  if (http::hops_left(head) == 0) {
    admission.last_hop = true;
    return admission;
  }
  if (client.listener.config.redirect_to_https != 0) {
    admission.redirect = true;
    return admission;
  }
  const std::string_view token = override_token(head.fields);
  remove_forbidden(client, head.fields);
  const bool behind_proxies = client.trusted && head.fields.has(http::FieldId::x_forwarded_for);
  admission.client_ip =
      behind_proxies ? http::client_address(client.listener.config, client.peer, head.fields.list) : client.peer;
  const net::PeerCertificate* const certificate = client.certificate();
  routing::RequestView request{.method = head.method,
                               .host = admission.target.host,
                               .path = admission.target.path,
                               .query = admission.target.query,
                               .fields = head.fields.list,
                               .client_ip = admission.client_ip,
                               .client_subject = certificate ? certificate->subject : std::string_view{},
                               .client_fingerprint = certificate ? certificate->fingerprint : std::string_view{},
                               .from_trusted_proxy = client.trusted,
                               .override_token = token};
  const auto service = routing::find_service(*view.publication->snapshot, request);
  if (!service) {
    admission.fault = http::Fault::no_service;
    return admission;
  }
  admission.service = &view.services[*service];
  const routing::ServicePlan& plan = *admission.service->plan;
  if (plan.override_secret) request.now = net::wall_clock();
  routing::Availability available;
  available.up[plan.candidate] = admission.service->site->versions[plan.candidate].health->available();
  admission.decision = routing::decide(plan, request, available, worker.dice().chance());
  if (admission.decision.mint) worker.dice().identity_used();
  if (admission.service->site->feedback != nullptr) [[unlikely]]
    admission.rating = admission.service->config->feedback->path == admission.target.path;
  return admission;
}

std::string location_line(const Client& client, const http::Target& target) {
  std::string_view host = target.host;
  const size_t colon = host.rfind(':');
  const bool has_port = colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
  if (has_port) host = host.substr(0, colon);
  if (host.empty() || target.path == "*") return {};
  const uint16_t port = client.listener.config.redirect_to_https;
  const std::string_view slash = target.forwarded.starts_with('/') ? "" : "/";
  return fmt::format("Location: https://{}{}{}{}\r\n", host, port == 443 ? "" : fmt::format(":{}", port), slash,
                     target.forwarded);
}

std::string mint_line(const Client& client, const http::RequestHead& head, const Admission& admission) {
  if (!admission.decision.mint) return {};
  const config::Mint& mint = admission.service->config->cohort.mint;
  return fmt::format("Set-Cookie: {}={}; Max-Age={}; Path=/; HttpOnly; SameSite=Lax{}\r\n", mint.cookie,
                     admission.decision.identity.text(), mint.max_age.count(),
                     is_https(client, head.fields) ? "; Secure" : "");
}

std::string revealed_lines(const Client& client, const ServiceView& service, const routing::Decision& decision) {
  const auto reveal = service.config->reveal;
  const bool revealed = reveal == config::Reveal::all || (reveal == config::Reveal::trusted && client.trusted);
  if (!revealed) return {};
  return fmt::format("X-Weir-Version: {}\r\nX-Weir-Reason: {}\r\n", service.plan->versions[decision.version].name,
                     reason_of(service, decision));
}

}  // namespace weir::proxy
