// Whose word counts: what a listener believes of its peers (contract §3). Pure.
#pragma once

#include <span>
#include <string_view>

#include "config/config.h"
#include "routing/request_view.h"

namespace weir::http {

/// Is this peer one of the listener's trusted_proxies?
bool trusts(const config::Listener& listener, const config::IpAddress& peer);

/// Where a request comes from: the peer, or, if that is trusted, the rightmost address of
/// X-Forwarded-For that is not one of the trusted proxies'. What stands left of something that is no
/// address was said by nobody who is trusted.
config::IpAddress client_address(const config::Listener& listener, const config::IpAddress& peer,
                                 std::span<const routing::Field> fields);

/// May a client send a field of this name? Not X-Weir-*, and one of trusted_headers only if its peer is trusted.
bool may_send(const config::Listener& listener, bool trusted_peer, std::string_view name);

}  // namespace weir::http
