#include "proxy/http/target.h"

#include <algorithm>
#include <array>

#include "config/config.h"

namespace weir::http {

namespace {

Target refused(Fault fault) {
  Target target;
  target.fault = fault;
  return target;
}

/// unreserved, sub-delims and `%` of RFC 3986: what a registered name may hold.
constexpr auto kNameChars = [] {
  std::array<bool, 256> allowed{};
  for (char c = '0'; c <= '9'; ++c) allowed[static_cast<unsigned char>(c)] = true;
  for (char c = 'a'; c <= 'z'; ++c) allowed[static_cast<unsigned char>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) allowed[static_cast<unsigned char>(c)] = true;
  for (const char c : std::string_view("-._~!$&'()*+;=%")) allowed[static_cast<unsigned char>(c)] = true;
  return allowed;
}();

bool valid_port(std::string_view text) {
  return text.size() <= 5 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// Exactly one Host, and a valid one (RFC 9112 §3.2); HTTP/1.0 may lack it.
Fault judge_host(const RequestHead& head, std::string_view& host) {
  unsigned hosts = 0;
  for (size_t i = 0; i < head.fields.ids.size(); ++i) {
    if (head.fields.ids[i] != FieldId::host) continue;
    ++hosts;
    host = head.fields.list[i].value;
  }
  if (hosts > 1 || (hosts == 0 && head.minor > 0)) return Fault::malformed_request;
  return valid_host(host) ? Fault::none : Fault::malformed_request;
}

void split_query(Target& target) {
  const size_t mark = target.forwarded.find('?');
  target.path = target.forwarded.substr(0, mark);
  if (mark != std::string_view::npos) target.query = target.forwarded.substr(mark + 1);
}

/// `http://authority[/path][?query]`: goes on in origin-form, with Host from the authority.
Target read_absolute(Target target, std::string_view method, std::string_view rest) {
  const size_t end = rest.find_first_of("/?");
  target.host = rest.substr(0, end);
  if (target.host.empty() || !valid_host(target.host)) return refused(Fault::malformed_request);
  target.replaces_host = true;
  if (end == std::string_view::npos && method == "OPTIONS") {  // RFC 9112 §3.2.4: the server itself is meant
    target.forwarded = target.path = "*";
    return target;
  }
  target.forwarded = end == std::string_view::npos ? std::string_view("/") : rest.substr(end);
  split_query(target);
  if (target.path.empty()) target.path = "/";
  return target;
}

}  // namespace

bool valid_host(std::string_view text) {
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    const auto ip = config::parse_ip(text.substr(1, end - 1));
    const std::string_view rest = text.substr(end + 1);
    return ip && !ip->is_v4() && (rest.empty() || (rest.starts_with(':') && valid_port(rest.substr(1))));
  }
  const size_t colon = text.find(':');
  if (colon != std::string_view::npos && (colon == 0 || !valid_port(text.substr(colon + 1)))) return false;
  return std::ranges::all_of(text.substr(0, colon), [](char c) { return kNameChars[static_cast<unsigned char>(c)]; });
}

Target read_target(const RequestHead& head) {
  if (head.method == "CONNECT" || head.method == "TRACE") return refused(Fault::method_refused);
  Target target;
  if (const Fault fault = judge_host(head, target.host); fault != Fault::none) return refused(fault);
  if (head.target.find('#') != std::string_view::npos) return refused(Fault::malformed_request);
  target.forwarded = head.target;
  if (head.target.starts_with('/')) {
    split_query(target);
    return target;
  }
  if (head.target == "*") {
    if (head.method != "OPTIONS") return refused(Fault::malformed_request);
    target.path = head.target;
    return target;
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    const std::string_view front = head.target.substr(0, scheme.size());
    if (same_name(front, scheme)) return read_absolute(target, head.method, head.target.substr(scheme.size()));
  }
  return refused(Fault::malformed_request);
}

}  // namespace weir::http
