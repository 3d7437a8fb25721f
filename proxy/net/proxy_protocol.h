// The PROXY protocol, versions 1 and 2 (haproxy.org, doc/proxy-protocol.txt, 2020/03/05), receiving side.
#pragma once

#include <optional>
#include <string_view>

#include "config/config.h"

namespace weir::net {

struct ProxyHeader {
  enum class State { complete, partial, malformed } state = State::partial;
  size_t size = 0;                          // of the header, when complete
  std::optional<config::IpAddress> source;  // none: LOCAL or UNKNOWN, the connection's own address stands
};

/// Reads a header at the front of `bytes`. Pure.
ProxyHeader read_proxy_header(std::string_view bytes);

}  // namespace weir::net
