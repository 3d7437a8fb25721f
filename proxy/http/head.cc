#include "proxy/http/head.h"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cctype>
#include <limits>

namespace weir::http {

namespace beast = boost::beast::http;

namespace {

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

FieldId known_x_field(std::string_view name) {
  if (name.size() < 7 || lower(name[0]) != 'x' || name[1] != '-') return FieldId::other;
  if (name.size() > 7 && same_name(name.substr(0, 7), "x-weir-")) return FieldId::x_weir;
  switch (name.size()) {
    case 9:
      return same_name(name, "x-real-ip") ? FieldId::x_real_ip : FieldId::other;
    case 12:
      return same_name(name, "x-request-id") ? FieldId::x_request_id : FieldId::other;
    case 15:
      return same_name(name, "x-forwarded-for") ? FieldId::x_forwarded_for : FieldId::other;
    case 16:
      return same_name(name, "x-forwarded-host") ? FieldId::x_forwarded_host : FieldId::other;
    case 17:
      return same_name(name, "x-forwarded-proto") ? FieldId::x_forwarded_proto : FieldId::other;
    default:
      return FieldId::other;
  }
}

FieldId id_of(beast::field field, std::string_view name) {
  switch (field) {
    case beast::field::unknown:
      return known_x_field(name);
    case beast::field::cache_control:
      return FieldId::cache_control;
    case beast::field::connection:
      return FieldId::connection;
    case beast::field::content_length:
      return FieldId::content_length;
    case beast::field::date:
      return FieldId::date;
    case beast::field::expect:
      return FieldId::expect;
    case beast::field::forwarded:
      return FieldId::forwarded;
    case beast::field::host:
      return FieldId::host;
    case beast::field::http2_settings:
      return FieldId::http2_settings;
    case beast::field::keep_alive:
      return FieldId::keep_alive;
    case beast::field::proxy_connection:
      return FieldId::proxy_connection;
    case beast::field::te:
      return FieldId::te;
    case beast::field::trailer:
      return FieldId::trailer;
    case beast::field::transfer_encoding:
      return FieldId::transfer_encoding;
    case beast::field::upgrade:
      return FieldId::upgrade;
    default:
      return FieldId::other;
  }
}

/// Takes the fields as Beast finds them; framing is judged afterwards, by framing.h alone.
template <bool is_request, class Head>
class HeadParser final : public beast::basic_parser<is_request> {
 public:
  HeadParser(const HeadLimits& limits, Head& head) : limits_(limits), head_(head) {
    this->header_limit(std::numeric_limits<uint32_t>::max());
    this->body_limit(boost::none);
    this->skip(true);
  }

  Fault fault = Fault::none;

 private:
  using Text = boost::beast::string_view;
  using Error = boost::beast::error_code;

  void on_request_impl(beast::verb, Text method, Text target, int version, Error& ec) override {
    if constexpr (is_request) {
      head_.method = view(method);
      head_.target = view(target);
      head_.minor = static_cast<unsigned>(version % 10);
      if (limits_.target > 0 && target.size() > limits_.target) refuse(Fault::target_too_long, ec);
    }
  }

  void on_response_impl(int code, Text reason, int version, Error&) override {
    if constexpr (!is_request) {
      head_.status = static_cast<unsigned>(code);
      head_.reason = view(reason);
      head_.minor = static_cast<unsigned>(version % 10);
    }
  }

  void on_field_impl(beast::field field, Text name, Text text, Error& ec) override {
    std::string_view value = view(text);
    if (!is_one_line(view(name), value)) {
      if constexpr (is_request) return refuse(Fault::malformed_request, ec);
      value = head_.fields.unfolded.emplace_back(value);
    }
    if (limits_.fields > 0 && head_.fields.list.size() >= limits_.fields) return refuse(Fault::head_too_large, ec);
    head_.fields.add(view(name), value, id_of(field, view(name)));
  }

  void on_header_impl(Error&) override {}
  void on_body_init_impl(boost::optional<uint64_t> const&, Error&) override {}
  std::size_t on_body_impl(Text body, Error&) override { return body.size(); }
  void on_chunk_header_impl(uint64_t, Text, Error&) override {}
  std::size_t on_chunk_body_impl(uint64_t, Text body, Error&) override { return body.size(); }
  void on_finish_impl(Error&) override {}

  /// Beast joins the lines of an obs-fold (RFC 9112 §5.2), somewhere else or by leaving blanks out.
  bool is_one_line(std::string_view name, std::string_view value) const {
    const auto skip_blanks = [](const char* at) {
      while (*at == ' ' || *at == '\t') ++at;
      return at;
    };
    const char* const colon = name.data() + name.size();
    const char* end = skip_blanks(colon + 1);
    if (!value.empty()) {
      if (value.data() != end) return false;
      end = skip_blanks(end + value.size());
    }
    return *end == '\r' && end[2] != ' ' && end[2] != '\t';
  }

  void refuse(Fault why, Error& ec) {
    fault = why;
    ec = beast::error::bad_field;
  }

  const HeadLimits& limits_;
  Head& head_;
};

/// A LF that no CR precedes: Beast would wait for more, a lenient peer would see a line end.
bool has_bare_line_feed(std::string_view bytes) {
  for (size_t at = bytes.find('\n'); at != std::string_view::npos; at = bytes.find('\n', at + 1)) {
    if (at == 0 || bytes[at - 1] != '\r') return true;
  }
  return false;
}

ParseResult refused(Fault fault) { return {Parsed::refused, 0, fault}; }

/// What an unfinished head already tells.
ParseResult judge_partial_request(std::string_view bytes, const HeadLimits& limits) {
  if (has_bare_line_feed(bytes)) return refused(Fault::malformed_request);
  if (limits.target > 0 && bytes.size() > limits.target + 32 && bytes.find('\r') == std::string_view::npos) {
    return refused(Fault::target_too_long);
  }
  if (limits.bytes > 0 && bytes.size() >= limits.bytes) return refused(Fault::head_too_large);
  return {};
}

bool is_partial(const boost::beast::error_code& ec) { return ec == beast::error::need_more; }

/// The version as written, for a request line that Beast refused: HTTP/2.0 is 505, rubbish is 400.
Fault judge_request_line(std::string_view bytes) {
  const std::string_view line = bytes.substr(0, bytes.find("\r\n"));
  const size_t at = line.rfind(" HTTP/");
  if (at == std::string_view::npos) return Fault::malformed_request;
  const std::string_view version = line.substr(at + 6);
  const bool is_version = version.size() == 3 && version[1] == '.' &&
                          std::isdigit(static_cast<unsigned char>(version[0])) &&
                          std::isdigit(static_cast<unsigned char>(version[2]));
  return is_version && version != "1.1" && version != "1.0" ? Fault::bad_version : Fault::malformed_request;
}

/// Beast judges some of the framing while it reads the fields; framing.h judges the rest.
Fault judge_refused_request(const boost::beast::error_code& ec, const RequestHead& head, std::string_view bytes) {
  const bool framing = ec == beast::error::bad_content_length || ec == beast::error::multiple_content_length ||
                       ec == beast::error::bad_transfer_encoding;
  if (framing) return Fault::ambiguous_framing;
  return head.method.empty() ? judge_request_line(bytes) : Fault::malformed_request;
}

ParseResult judge_partial_response(std::string_view bytes, const HeadLimits& limits) {
  if (has_bare_line_feed(bytes)) return refused(Fault::response_malformed);
  if (limits.bytes > 0 && bytes.size() >= limits.bytes) return refused(Fault::response_head_too_large);
  return {};
}

/// `HTTP/1.1 200` without the blank before an absent reason: real servers send it (RFC 9112 §4 asks
/// for the blank, and for clients that cope).
bool lacks_blank_after_status(std::string_view bytes) {
  return bytes.size() >= 13 && bytes[12] == '\r' && bytes.starts_with("HTTP/1.");
}

}  // namespace

void Fields::clear() {
  list.clear();
  ids.clear();
  unfolded.clear();
  present = 0;
}

void Fields::add(std::string_view name, std::string_view value, FieldId id) {
  list.push_back({name, value});
  ids.push_back(id);
  present |= uint64_t{1} << static_cast<unsigned>(id);
}

std::string_view Fields::value(FieldId id) const {
  if (!has(id)) return {};
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] == id) return list[i].value;
  }
  return {};
}

void Fields::remove(size_t index) {
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(index));
  ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(index));
}

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

ParseResult parse_request(std::string_view bytes, const HeadLimits& limits, RequestHead& head) {
  head.fields.clear();
  head.method = {};
  size_t skipped = 0;  // RFC 9112 §2.2: ignore at least one empty line before the request line
  while (skipped < 8 && bytes.substr(skipped).starts_with("\r\n")) skipped += 2;
  const std::string_view rest = bytes.substr(skipped);
  if (rest.empty() || rest == "\r") return {};

  HeadParser<true, RequestHead> parser(limits, head);
  boost::beast::error_code ec;
  const size_t size = parser.put({rest.data(), rest.size()}, ec);
  if (parser.fault != Fault::none) return refused(parser.fault);
  if (is_partial(ec)) return judge_partial_request(rest, limits);
  if (!parser.is_header_done()) return refused(judge_refused_request(ec, head, rest));
  if (limits.bytes > 0 && size > limits.bytes) return refused(Fault::head_too_large);
  return {Parsed::complete, skipped + size, Fault::none};
}

ParseResult parse_response(std::string_view bytes, const HeadLimits& limits, ResponseHead& head) {
  head.fields.clear();
  if (lacks_blank_after_status(bytes)) {
    const size_t end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) return judge_partial_response(bytes, limits);
    head.mended = std::string(bytes.substr(0, 12)).append(" ").append(bytes.substr(12, end + 4 - 12));
    ParseResult result = parse_response(head.mended, limits, head);
    if (result.state == Parsed::complete) result.size = end + 4;
    return result;
  }
  HeadParser<false, ResponseHead> parser(limits, head);
  boost::beast::error_code ec;
  const size_t size = parser.put({bytes.data(), bytes.size()}, ec);
  if (parser.fault != Fault::none) return refused(Fault::response_head_too_large);
  if (is_partial(ec)) return judge_partial_response(bytes, limits);
  if (!parser.is_header_done() || head.status < 100) return refused(Fault::response_malformed);
  if (limits.bytes > 0 && size > limits.bytes) return refused(Fault::response_head_too_large);
  return {Parsed::complete, size, Fault::none};
}

}  // namespace weir::http
