// The address of a client as a cohort key.
#pragma once

#include <array>
#include <string_view>

#include "config/config.h"

namespace weir::routing {

/// The longest key is a /64: four groups of four digits, four colons and `:/64`.
using ClientKeyText = std::array<char, 24>;

/// Canonical text (contract §2): an IPv4 address as it is, an IPv6 address as its /64, in RFC 5952's form
/// (`2001:db8:1:2::/64`); what one household or device has for itself. The view is into `text`.
std::string_view client_key(const config::IpAddress& ip, ClientKeyText& text);

}  // namespace weir::routing
