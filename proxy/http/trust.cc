#include "proxy/http/trust.h"

#include <algorithm>

#include "proxy/http/head.h"
#include "routing/ascii.h"

namespace weir::http {

namespace {

/// An element of X-Forwarded-For: an address; some proxies add a port.
std::optional<config::IpAddress> forwarded_address(std::string_view element) {
  element = routing::trim(element);
  if (element.starts_with('[')) {
    const size_t end = element.find(']');
    return end == std::string_view::npos ? std::nullopt : config::parse_ip(element.substr(1, end - 1));
  }
  if (const auto ip = config::parse_ip(element)) return ip;
  return config::parse_ip(element.substr(0, element.find(':')));
}

/// Walks one field's list from its right end; true when `address` is settled.
bool walk_back(const config::Listener& listener, std::string_view list, config::IpAddress& address) {
  while (!list.empty()) {
    const size_t comma = list.rfind(',');
    const auto ip = forwarded_address(comma == std::string_view::npos ? list : list.substr(comma + 1));
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(0, comma);
    if (!ip) return true;
    address = *ip;
    if (!trusts(listener, address)) return true;
  }
  return false;
}

}  // namespace

bool trusts(const config::Listener& listener, const config::IpAddress& peer) {
  return std::ranges::any_of(listener.trusted_proxies, [&](const config::Cidr& block) { return block.contains(peer); });
}

config::IpAddress client_address(const config::Listener& listener, const config::IpAddress& peer,
                                 std::span<const routing::Field> fields) {
  config::IpAddress address = peer;
  for (size_t i = fields.size(); i-- > 0;) {
    const bool names_clients = same_name(fields[i].name, "X-Forwarded-For");
    if (names_clients && walk_back(listener, fields[i].value, address)) break;
  }
  return address;
}

bool may_send(const config::Listener& listener, bool trusted_peer, std::string_view name) {
  if (is_weirs_own(name)) return false;
  const auto same = [&](const std::string& trusted) { return same_variable(trusted, name); };
  return trusted_peer || std::ranges::none_of(listener.trusted_headers, same);
}

}  // namespace weir::http
