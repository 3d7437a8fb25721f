#include "proxy/admin/access.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

namespace weir::admin {
namespace {

constexpr size_t kMaxToken = 4096;

std::string lower(std::string_view text) {
  std::string copy(text);
  for (char& c : copy) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return copy;
}

bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// RFC 3986 reg-name without percent-encoding, as names in DNS and in hosts files are.
bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

/// A page of ours has the origin `http(s)://` + the very Host it was asked under: browsers leave out
/// the scheme's own port in both.
bool is_own(std::string_view origin, std::string_view authority) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme)) return lower(origin.substr(scheme.size())) == lower(authority);
  }
  return false;
}

/// Whom a request asks for; HTTP/1.0 may leave that out.
std::string_view authority_of(const Request& request, std::optional<std::string_view> authority) {
  if (authority) return *authority;
  if (request.hosts.empty()) return "localhost";
  return request.hosts.front();
}

bool same_in_constant_time(std::string_view given, std::string_view secret) {
  unsigned different = given.size() != secret.size();
  for (size_t i = 0; i < given.size(); ++i) {
    different |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(secret[i % secret.size()]);
  }
  return different == 0;
}

}  // namespace

std::optional<std::string> host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view rest = authority.substr(end + 1);
    const std::string_view inside = authority.substr(1, end - 1);
    if (!rest.empty() && (rest[0] != ':' || !all_digits(rest.substr(1)))) return std::nullopt;
    if (!config::parse_ip(inside)) return std::nullopt;
    return lower(inside);
  }
  const size_t colon = authority.find(':');
  if (colon != std::string_view::npos && !all_digits(authority.substr(colon + 1))) return std::nullopt;
  std::string host = lower(authority.substr(0, colon));
  if (host.ends_with('.')) host.pop_back();
  if (!is_name(host)) return std::nullopt;
  return host;
}

config::Result<std::string> read_token(const config::Admin& admin) {
  if (admin.token_file.empty()) return std::string();
  const auto wrong = [&](const std::string& what) {
    return config::Problems{{admin.where, "admin.token_file " + admin.token_file + ": " + what}};
  };
  std::ifstream file(admin.token_file, std::ios::binary);
  if (!file) return wrong(std::strerror(errno));
  std::string token(kMaxToken + 1, '\0');
  file.read(token.data(), static_cast<std::streamsize>(token.size()));
  if (file.bad()) return wrong("cannot be read");
  token.resize(static_cast<size_t>(file.gcount()));
  while (!token.empty() && std::strchr("\r\n\t ", token.back()) != nullptr) token.pop_back();
  if (token.empty()) return wrong("is empty; it should hold the token and nothing else");
  if (token.size() > kMaxToken) return wrong("is too long for a token (over 4096 bytes)");
  return token;
}

Access::Access(const config::Admin& admin, std::string token)
    : names_{"localhost"}, token_(std::move(token)), certificates_(admin.tls && !admin.tls->client_ca.empty()) {
  const auto accept = [&](std::string_view name) {
    if (const auto host = host_of(name)) names_.push_back(*host);
  };
  if (admin.address.kind == config::Address::Kind::host_port) accept(admin.address.host);
  for (const std::string& name : admin.hosts) accept(name);
}

std::optional<Response> Access::refuse_origin(const Request& request, std::optional<std::string_view> authority) const {
  if (request.hosts.size() > 1) return problem(400, "more than one Host");
  if (request.hosts.empty() && !request.http_1_0) return problem(400, "a request needs a Host");
  const std::string_view asked = authority_of(request, authority);
  const auto host = host_of(asked);
  if (!host) return problem(400, "Host is malformed");
  const bool known = std::find(names_.begin(), names_.end(), *host) != names_.end();
  if (!known && !config::parse_ip(*host)) {
    return problem(403, "this Host is not one of the admin listener's; name it in admin.hosts");
  }
  const auto own = [&](const std::string& origin) { return is_own(origin, asked); };
  if (!std::all_of(request.origins.begin(), request.origins.end(), own)) {
    return problem(403, "requests from pages of another origin are refused");
  }
  return std::nullopt;
}

std::optional<Response> Access::refuse_stranger(const Request& request) const {
  const bool certified = certificates_ && request.certificate.has_value();
  if (certified || (token_.empty() && !certificates_)) return std::nullopt;
  if (token_.empty()) return problem(403, "show a client certificate that one of admin.tls.client_ca has signed");
  constexpr std::string_view kScheme = "bearer ";
  if (request.authorizations.size() == 1) {
    const std::string_view given = request.authorizations.front();
    const bool bearer = lower(given.substr(0, kScheme.size())) == kScheme;
    if (bearer && same_in_constant_time(given.substr(kScheme.size()), token_)) return std::nullopt;
  }
  const std::string_view or_certificate = certificates_ ? ", or show a client certificate" : "";
  Response response =
      problem(401, fmt::format("send the token of admin.token_file as Authorization: Bearer TOKEN{}", or_certificate));
  response.fields.emplace_back("WWW-Authenticate", "Bearer realm=\"weir\"");
  return response;
}

}  // namespace weir::admin
