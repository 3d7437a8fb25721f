// Heads of HTTP/1.x messages, parsed in place (RFC 9112 §2–5). Framing is judged afterwards, by framing.h.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/http/fault.h"
#include "proxy/http/fields.h"

namespace weir::http {

struct RequestHead {
  std::string_view method;
  std::string_view target;
  unsigned minor = 1;  // HTTP/1.minor; above 1 it is read as 1 (RFC 9110 §2.5)
  Fields fields;
};

struct ResponseHead {
  unsigned status = 0;
  std::string_view reason;
  unsigned minor = 1;  // as of a request
  Fields fields;
};

/// What a head may be at most; 0 means no limit.
struct HeadLimits {
  uint64_t bytes = 0;
  uint64_t fields = 0;
  uint64_t target = 0;
};

enum class Parsed { complete, partial, refused };

struct ParseResult {
  Parsed state = Parsed::partial;
  size_t size = 0;            // of the head with its empty line, when complete
  Fault fault = Fault::none;  // when refused
};

/// Parses a request's head at the front of `bytes` (RFC 9112 §3, §5). Empty lines before it are
/// skipped and counted into `size`. Bare LF, obs-fold and control characters are refused, as soon
/// as they are seen.
ParseResult parse_request(std::string_view bytes, const HeadLimits& limits, RequestHead& head);

/// Parses a response's head (RFC 9112 §4, §5). The lines of an obs-fold are joined (§5.2); a status
/// line may lack the blank before an absent reason, as real servers send it.
ParseResult parse_response(std::string_view bytes, const HeadLimits& limits, ResponseHead& head);

}  // namespace weir::http
