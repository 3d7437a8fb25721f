// Where a message ends (RFC 9112 §6). What is ambiguous is refused, never repaired.
#pragma once

#include <cstdint>
#include <optional>

#include "proxy/http/head.h"

namespace weir::http {

enum class BodyKind : uint8_t { none, length, chunked, until_close };

struct Framing {
  BodyKind kind = BodyKind::none;
  uint64_t length = 0;        // for BodyKind::length
  Fault fault = Fault::none;  // set: the message is refused
};

/// RFC 9112 §6.1–6.3 for requests: one `Transfer-Encoding: chunked` or one Content-Length of digits.
Framing request_framing(const RequestHead& head);

/// RFC 9112 §6.3 for responses to a request with this method (HEAD has no body).
Framing response_framing(const ResponseHead& head, bool to_head_request);

/// What the `Connection` fields say (RFC 9110 §7.6.1).
struct ConnectionOptions {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
};
ConnectionOptions connection_options(const Fields& fields);

/// How many more hops an OPTIONS may make (RFC 9110 §7.6.2); nothing where Max-Forwards does not say so.
std::optional<uint64_t> hops_left(const RequestHead& head);

/// Is `name` named by a Connection field, and so to be dropped? Fields that frame or route a
/// message are never dropped that way.
bool named_by_connection(const Fields& fields, std::string_view name);

}  // namespace weir::http
