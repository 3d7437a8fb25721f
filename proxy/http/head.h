// Heads of HTTP/1.x messages, parsed in place (RFC 9112 §2–5). All of Beast's parsing is in head.cc.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/fault.h"
#include "routing/request_view.h"

namespace weir::http {

/// Fields that weir treats in some way; everything else passes.
enum class FieldId : uint8_t {
  other,
  cache_control,
  connection,
  content_length,
  date,
  expect,
  forwarded,
  host,
  http2_settings,
  keep_alive,
  proxy_connection,
  te,
  trailer,
  transfer_encoding,
  upgrade,
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_proto,
  x_real_ip,
  x_request_id,
  x_weir,  // X-Weir-* and whatever else a client may not set
};

/// The fields of a message, in order. Views into the parsed bytes (or `unfolded`).
struct Fields {
  std::vector<routing::Field> list;
  std::vector<FieldId> ids;          // parallel to `list`
  std::deque<std::string> unfolded;  // values of a response that came with obs-fold
  uint64_t present = 0;              // bit per FieldId
  void clear();
  void add(std::string_view name, std::string_view value, FieldId id);
  bool has(FieldId id) const { return present >> static_cast<unsigned>(id) & 1; }
  /// First value; empty where there is none.
  std::string_view value(FieldId id) const;
  /// Removes the field at `index`, keeping the order.
  void remove(size_t index);
};

struct RequestHead {
  std::string_view method;
  std::string_view target;
  unsigned minor = 1;  // HTTP/1.minor
  Fields fields;
};

struct ResponseHead {
  unsigned status = 0;
  std::string_view reason;
  unsigned minor = 1;
  Fields fields;
  std::string mended;  // the head, where it had to be mended to be parsed
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
/// skipped and counted into `size`. Bare LF, obs-fold and control characters are refused.
ParseResult parse_request(std::string_view bytes, const HeadLimits& limits, RequestHead& head);

/// Parses a response's head (RFC 9112 §4, §5).
ParseResult parse_response(std::string_view bytes, const HeadLimits& limits, ResponseHead& head);

/// Compares names of fields (ASCII, without case).
bool same_name(std::string_view a, std::string_view b);

}  // namespace weir::http
