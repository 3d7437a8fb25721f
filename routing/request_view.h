// What a decision may look at: a request's head as views into the bytes that arrived.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

#include "config/config.h"

namespace weir::routing {

struct Field {
  std::string_view name;   // as received; compared without case
  std::string_view value;  // blanks around it trimmed
};

/// Views are valid for the call only. Fields that the client had no right to send (trusted_headers
/// of an untrusted peer, X-Weir-*) are already gone.
struct RequestView {
  std::string_view method;
  std::string_view host;   // as received, port and trailing dot allowed
  std::string_view path;   // of the target, without `?query`, not decoded
  std::string_view query;  // without the `?`, not decoded
  std::span<const Field> fields;
  config::IpAddress client_ip;
  std::string_view client_subject, client_fingerprint;  // of the certificate that the client has shown; empty: none
  bool from_trusted_proxy = false;                      // region headers are believed only then
  std::string_view override_token;  // of X-Weir-Override, as received: nothing is believed of it yet (override.h)
  std::chrono::sys_seconds now = std::chrono::sys_seconds::max();  // what an override's end is held against
};

}  // namespace weir::routing
