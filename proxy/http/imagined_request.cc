#include "proxy/http/imagined_request.h"

#include <fmt/core.h>

#include <algorithm>
#include <random>
#include <string_view>

#include "proxy/http/head.h"
#include "proxy/http/scan.h"
#include "proxy/http/trust.h"
#include "proxy/net/clock.h"
#include "routing/ascii.h"
#include "routing/override.h"

namespace weir::http {
namespace {

bool has_blank_or_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c == 0x7f; });
}

/// RFC 9110 §5.5: a name, a colon, and no control but a tab.
bool is_field_line(std::string_view line) {
  const size_t colon = line.find(':');
  return colon != std::string_view::npos && is_token(line.substr(0, colon)) && is_field_text(line);
}

/// As routing sees it: lower case, nothing between the digits.
std::string plain_fingerprint(std::string text) {
  std::erase(text, ':');
  for (char& c : text) c = c >= 'A' && c <= 'F' ? static_cast<char>(c | 0x20) : c;
  return text;
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

routing::Field field_of(std::string_view line) {
  const size_t colon = line.find(':');
  return {line.substr(0, colon), routing::trim(line.substr(colon + 1))};
}

}  // namespace

std::optional<Complaint> complaint_of(const Wish& wish) {
  using Part = Complaint::Part;
  if (!config::parse_ip(wish.from)) return Complaint{Part::from, fmt::format("`{}` is not an IP address", wish.from)};
  if (!is_token(wish.method)) return Complaint{Part::method, fmt::format("`{}` is not a method", wish.method)};
  if (wish.url.empty() || has_blank_or_control(wish.url)) {
    return Complaint{Part::url, fmt::format("`{}` is not a URL: write http://host/path", wish.url)};
  }
  const size_t scheme = wish.url.find("://");
  if (scheme < wish.url.find_first_of("/?") && !wish.url.starts_with("http://") && !wish.url.starts_with("https://")) {
    return Complaint{Part::url, fmt::format("`{}` is not a URL that weir serves: write http://host/path", wish.url)};
  }
  for (const std::string& header : wish.headers) {
    if (!is_field_line(header)) {
      return Complaint{Part::headers, fmt::format("'{}' is not a header: write 'Name: value'", header)};
    }
  }
  if (!wish.client_cert_fingerprint.empty() && !is_sha256(plain_fingerprint(wish.client_cert_fingerprint))) {
    return Complaint{Part::client_cert_fingerprint,
                     fmt::format("`{}` is not a SHA-256 of 64 hex digits", wish.client_cert_fingerprint)};
  }
  return std::nullopt;
}

const config::Listener* listener_of(const config::Config& config, const std::string& name) {
  for (const config::Listener& listener : config.listeners) {
    if (name.empty() || listener.name == name) return &listener;
  }
  return nullptr;
}

routing::Chance throw_dice() {
  std::random_device device;
  const auto number = [&] { return uint64_t{device()} << 32 | device(); };
  return {.dice = number(), .identity_high = number(), .identity_low = number()};
}

ImaginedRequest::ImaginedRequest(const Wish& wish, const config::Listener& listener)
    : method_(wish.method), header_lines_(wish.headers) {
  take_url(wish.url);
  take_client(wish.from, listener);
  take_headers(header_lines_, listener);
  take_certificate(wish, listener);
  view_.now = net::wall_clock();
  view_.method = method_;
  view_.host = host_;
  view_.path = path_;
  view_.query = query_;
  view_.fields = fields_;
}

void ImaginedRequest::take_url(const std::string& url) {
  std::string_view rest = url;
  rest = rest.substr(0, rest.find('#'));
  if (rest.front() != '/') {
    if (const size_t scheme = rest.find("://"); scheme != std::string_view::npos) rest.remove_prefix(scheme + 3);
    const size_t end = std::min(rest.find_first_of("/?"), rest.size());
    host_ = rest.substr(0, end);
    rest.remove_prefix(end);
  }
  const size_t question = rest.find('?');
  path_ = rest.substr(0, question);
  if (path_.empty()) path_ = "/";
  if (question != std::string_view::npos) query_ = rest.substr(question + 1);
}

/// Fields that this peer has no right to send never reach routing (contract §3, §7).
void ImaginedRequest::take_headers(const std::vector<std::string>& headers, const config::Listener& listener) {
  for (const std::string& line : headers) {
    const routing::Field field = field_of(line);
    if (same_name(field.name, "Host")) host_ = field.value;
    if (same_name(field.name, routing::kOverrideField)) {
      if (view_.override_token.empty()) view_.override_token = field.value;
      continue;
    }
    if (may_send(listener, view_.from_trusted_proxy, field.name)) {
      fields_.push_back(field);
    } else if (may_send(listener, true, field.name)) {
      notes_.push_back(
          fmt::format("{} is dropped: it is in trusted_headers, and the request does not come from one of "
                      "trusted_proxies of listener `{}`",
                      field.name, listener.name));
    } else {
      notes_.push_back(fmt::format("{} is dropped: clients may not send X-Weir-*", field.name));
    }
  }
}

/// Only who is asked for a certificate shows one.
void ImaginedRequest::take_certificate(const Wish& wish, const config::Listener& listener) {
  if (wish.client_cert_subject.empty() && wish.client_cert_fingerprint.empty()) return;
  if (!listener.tls || listener.tls->client_ca.empty()) {
    notes_.push_back(
        fmt::format("the client's certificate is not seen: listener `{}` has no client_ca", listener.name));
    return;
  }
  subject_ = wish.client_cert_subject;
  fingerprint_ = plain_fingerprint(wish.client_cert_fingerprint);
  view_.client_subject = subject_;
  view_.client_fingerprint = fingerprint_;
}

void ImaginedRequest::take_client(const std::string& from, const config::Listener& listener) {
  const auto peer = *config::parse_ip(from);
  view_.from_trusted_proxy = trusts(listener, peer);
  std::vector<routing::Field> fields;
  for (const std::string& line : header_lines_) fields.push_back(field_of(line));
  view_.client_ip = view_.from_trusted_proxy ? client_address(listener, peer, fields) : peer;
}

}  // namespace weir::http
