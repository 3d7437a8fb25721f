#include "proxy/http/framing.h"

#include <charconv>

#include "routing/ascii.h"

namespace weir::http {

namespace {

/// Calls `visit(element)` for each element of a comma-separated list (RFC 9110 §5.6.1).
template <class Visit>
void for_each_element(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view element = routing::trim(list.substr(0, comma));
    if (!element.empty()) visit(element);
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  }
}

/// Digits only, within 63 bits (RFC 9110 §8.6).
bool parse_length(std::string_view text, uint64_t& length) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  return error == std::errc{} && end == text.data() + text.size() && length <= uint64_t{INT64_MAX};
}

Framing refused(Fault fault) { return {BodyKind::none, 0, fault}; }

struct Claims {
  unsigned lengths = 0;
  unsigned codings = 0;
  std::string_view length, coding;
};

Claims claims_of(const Fields& fields) {
  Claims claims;
  for (size_t i = 0; i < fields.ids.size(); ++i) {
    if (fields.ids[i] == FieldId::content_length) {
      ++claims.lengths;
      claims.length = fields.list[i].value;
    } else if (fields.ids[i] == FieldId::transfer_encoding) {
      ++claims.codings;
      claims.coding = fields.list[i].value;
    }
  }
  return claims;
}

/// RFC 9110 §8.6: several lengths of a response, in lines or in a list, are one if they are equal.
bool agreed_length(const Fields& fields, uint64_t& length) {
  bool any = false;
  bool agreed = true;
  for (size_t i = 0; i < fields.ids.size(); ++i) {
    if (fields.ids[i] != FieldId::content_length) continue;
    std::string_view list = fields.list[i].value;
    for (bool more = true; more && agreed;) {
      const size_t comma = list.find(',');
      uint64_t one = 0;
      agreed = parse_length(routing::trim(list.substr(0, comma)), one) && (!any || one == length);
      length = one;
      any = true;
      more = comma != std::string_view::npos;
      if (more) list.remove_prefix(comma + 1);
    }
  }
  return any && agreed;
}

bool says_chunked(std::string_view coding) {
  return coding.find("chunked") != std::string_view::npos || coding.find("CHUNKED") != std::string_view::npos;
}

}  // namespace

Framing request_framing(const RequestHead& head) {
  const bool unframed = !head.fields.has(FieldId::content_length) && !head.fields.has(FieldId::transfer_encoding);
  if (unframed) return {};
  const Claims claims = claims_of(head.fields);
  if (claims.codings > 0) {
    if (claims.lengths > 0 || claims.codings > 1 || head.minor == 0) return refused(Fault::ambiguous_framing);
    if (same_name(claims.coding, "chunked")) return {BodyKind::chunked};
    return refused(says_chunked(claims.coding) ? Fault::ambiguous_framing : Fault::unknown_transfer_coding);
  }
  if (claims.lengths > 1) return refused(Fault::ambiguous_framing);
  uint64_t length = 0;
  if (!parse_length(claims.length, length)) return refused(Fault::ambiguous_framing);
  return length == 0 ? Framing{} : Framing{BodyKind::length, length};
}

Framing response_framing(const ResponseHead& head, bool to_head_request) {
  const Claims claims = claims_of(head.fields);
  const bool bodiless = to_head_request || head.status < 200 || head.status == 204 || head.status == 304;
  if (claims.codings > 0) {
    const bool readable =
        claims.lengths == 0 && claims.codings == 1 && head.minor > 0 && same_name(claims.coding, "chunked");
    if (!readable) return refused(Fault::response_malformed);
    return bodiless ? Framing{} : Framing{BodyKind::chunked};
  }
  if (claims.lengths == 0) return bodiless ? Framing{} : Framing{BodyKind::until_close};
  uint64_t length = 0;
  const bool plain = claims.lengths == 1 && parse_length(claims.length, length);
  if (!plain && !agreed_length(head.fields, length)) return refused(Fault::response_malformed);
  if (bodiless || length == 0) return {};
  return {BodyKind::length, length};
}

ConnectionOptions connection_options(const Fields& fields) {
  ConnectionOptions options;
  if (!fields.has(FieldId::connection)) return options;
  for (size_t i = 0; i < fields.ids.size(); ++i) {
    if (fields.ids[i] != FieldId::connection) continue;
    for_each_element(fields.list[i].value, [&](std::string_view option) {
      options.close |= same_name(option, "close");
      options.keep_alive |= same_name(option, "keep-alive");
      options.upgrade |= same_name(option, "upgrade");
    });
  }
  return options;
}

std::optional<uint64_t> hops_left(const RequestHead& head) {
  if (!head.fields.has(FieldId::max_forwards) || head.method != "OPTIONS") return std::nullopt;
  uint64_t hops = 0;
  return parse_length(head.fields.value(FieldId::max_forwards), hops) ? std::optional(hops) : std::nullopt;
}

bool named_by_connection(const Fields& fields, std::string_view name) {
  bool named = false;
  for (size_t i = 0; i < fields.ids.size(); ++i) {
    if (fields.ids[i] != FieldId::connection) continue;
    for_each_element(fields.list[i].value, [&](std::string_view option) { named |= same_name(option, name); });
  }
  return named;
}

}  // namespace weir::http
