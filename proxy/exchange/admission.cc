#include "proxy/exchange/admission.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace weir::proxy {

namespace {

bool is_one_of(const std::vector<config::Cidr>& blocks, const config::IpAddress& ip) {
  return std::ranges::any_of(blocks, [&](const config::Cidr& block) { return block.contains(ip); });
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// An element of X-Forwarded-For: an address, some proxies add a port.
std::optional<config::IpAddress> forwarded_address(std::string_view element) {
  element = trimmed(element);
  if (element.starts_with('[')) {
    const size_t end = element.find(']');
    return end == std::string_view::npos ? std::nullopt : config::parse_ip(element.substr(1, end - 1));
  }
  if (const auto ip = config::parse_ip(element)) return ip;
  return config::parse_ip(element.substr(0, element.find(':')));
}

/// Fields that only a trusted proxy may send: gone before routing sees them.
void remove_untrusted(const Client& client, http::Fields& fields) {
  const bool nothing =
      !fields.has(http::FieldId::x_weir) && (client.trusted || client.listener.config.trusted_headers.empty());
  if (nothing) return;
  for (size_t i = fields.list.size(); i-- > 0;) {
    const std::string_view name = fields.list[i].name;
    const auto same = [&](const std::string& other) { return http::same_name(name, other); };
    const bool untrusted = !client.trusted && std::ranges::any_of(client.listener.config.trusted_headers, same);
    if (fields.ids[i] == http::FieldId::x_weir || untrusted) fields.remove(i);
  }
}

bool is_https(const Client& client, const http::Fields& fields) {
  return client.trusted && http::same_name(fields.value(http::FieldId::x_forwarded_proto), "https");
}

std::string reason_of(const ServiceView& service, const routing::Decision& decision) {
  std::string reason(routing::decided_by_text(decision.by));
  if (decision.rule != routing::kNone) reason += " rule=" + service.plan->rules[decision.rule].name;
  if (decision.bucket) reason += fmt::format(" bucket={}", static_cast<uint32_t>(*decision.bucket));
  return reason;
}

}  // namespace

config::IpAddress client_address(const Client& client, const http::Fields& fields) {
  if (!client.trusted || !fields.has(http::FieldId::x_forwarded_for)) return client.peer;
  config::IpAddress nearest = client.peer;
  for (size_t i = fields.list.size(); i-- > 0;) {
    if (fields.ids[i] != http::FieldId::x_forwarded_for) continue;
    std::string_view list = fields.list[i].value;
    while (!list.empty()) {
      const size_t comma = list.rfind(',');
      const std::string_view element = comma == std::string_view::npos ? list : list.substr(comma + 1);
      list = comma == std::string_view::npos ? std::string_view{} : list.substr(0, comma);
      const auto ip = forwarded_address(element);
      if (!ip) return nearest;  // what stands left of rubbish was said by nobody who is trusted
      nearest = *ip;
      if (!is_one_of(client.listener.config.trusted_proxies, nearest)) return nearest;
    }
  }
  return nearest;
}

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
  remove_untrusted(client, head.fields);
  admission.client_ip = client_address(client, head.fields);
  const routing::RequestView request{.method = head.method,
                                     .host = admission.target.host,
                                     .path = admission.target.path,
                                     .query = admission.target.query,
                                     .fields = head.fields.list,
                                     .client_ip = admission.client_ip,
                                     .from_trusted_proxy = client.trusted};
  const auto service = routing::find_service(*view.publication->snapshot, request);
  if (!service) {
    admission.fault = http::Fault::no_service;
    return admission;
  }
  admission.service = &view.services[*service];
  admission.decision =
      routing::decide(*admission.service->plan, request, admission.service->site->available, worker.dice().chance());
  if (admission.decision.mint) worker.dice().identity_used();
  return admission;
}

std::string own_lines(const Client& client, const http::RequestHead& head, const Admission& admission) {
  const ServiceView& service = *admission.service;
  const auto reveal = service.config->reveal;
  const bool revealed = reveal == config::Reveal::all || (reveal == config::Reveal::trusted && client.trusted);
  if (!revealed && !admission.decision.mint) return {};
  std::string lines;
  const auto to = std::back_inserter(lines);
  if (admission.decision.mint) {
    const config::Mint& mint = service.config->cohort.mint;
    fmt::format_to(to, "Set-Cookie: {}={}; Max-Age={}; Path=/; HttpOnly; SameSite=Lax{}\r\n", mint.cookie,
                   admission.decision.identity.text(), mint.max_age.count(),
                   is_https(client, head.fields) ? "; Secure" : "");
  }
  if (revealed) {
    fmt::format_to(to, "X-Weir-Version: {}\r\nX-Weir-Reason: {}\r\n",
                   service.plan->versions[admission.decision.version].name, reason_of(service, admission.decision));
  }
  return lines;
}

}  // namespace weir::proxy
