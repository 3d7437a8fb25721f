// The request's target and host (RFC 9112 §3.2, §3.3; RFC 9110 §4.2, §7.2).
#pragma once

#include <string_view>

#include "proxy/http/head.h"

namespace weir::http {

/// Views into the head. Of an absolute-form target, authority wins over `Host` (RFC 9112 §3.2.2).
struct Target {
  std::string_view host;       // for routing and for the forwarded Host; may be empty for HTTP/1.0
  std::string_view path;       // without query; "*" for `OPTIONS *`
  std::string_view query;      // without `?`
  std::string_view forwarded;  // what goes into the request line, byte for byte; a `/` before a lone query
  bool replaces_host = false;  // Host has to be written anew
  Fault fault = Fault::none;
};

/// Judges method, target and Host together: CONNECT and TRACE are refused, a request of HTTP/1.1
/// has exactly one valid Host, a target has one of the forms that an origin may get.
Target read_target(const RequestHead& head);

/// `host[:port]` of RFC 3986 §3.2.2, without userinfo; may be empty.
bool valid_host(std::string_view text);

}  // namespace weir::http
