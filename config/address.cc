#include <sys/un.h>

#include <algorithm>
#include <charconv>

#include "config/config.h"
#include "config/host.h"

namespace weir::config {

namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kPassed = "systemd:";

std::optional<uint16_t> parse_port(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_character(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && std::all_of(label.begin(), label.end(), is_name_character) &&
         label.front() != '-' && label.back() != '-';
}

std::optional<Address> parse_unix(std::string_view text) {
  const std::string_view path = text.substr(kUnix.size());
  const bool fits = path.size() > 1 && path.size() < sizeof(sockaddr_un::sun_path);
  if (!fits || path.front() != '/' || path.find('\0') != path.npos) return std::nullopt;
  return Address{Address::Kind::unix_path, "", 0, std::string(path), std::string(text)};
}

/// As a FileDescriptorName= of systemd, but no more than a listener's name may be.
std::optional<Address> parse_passed(std::string_view text) {
  constexpr size_t kLongest = 64;
  const std::string_view name = text.substr(kPassed.size());
  const auto fits = [](char c) { return is_name_character(c) || c == '.'; };
  const bool right = !name.empty() && name.size() <= kLongest && name.front() != '.' && name.front() != '-' &&
                     std::all_of(name.begin(), name.end(), fits);
  if (!right) return std::nullopt;
  return Address{Address::Kind::passed, std::string(name), 0, "", std::string(text)};
}

}  // namespace

bool is_host(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  std::string_view rest = host, label;
  while (true) {
    const size_t dot = rest.find('.');
    label = rest.substr(0, dot);
    if (!is_label(label)) return false;
    if (dot == rest.npos) break;
    rest.remove_prefix(dot + 1);
  }
  return !std::all_of(label.begin(), label.end(), is_digit) || parse_ip(host);
}

bool is_bracketed_v6(std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return false;
  const std::string_view literal = text.substr(1, text.size() - 2);
  return literal.find(':') != literal.npos && parse_ip(literal);
}

std::optional<Address> parse_address(std::string_view text) {
  if (text.starts_with(kUnix)) return parse_unix(text);
  if (text.starts_with(kPassed)) return parse_passed(text);
  const size_t colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = is_bracketed_v6(host);
  const auto port = parse_port(text.substr(colon + 1));
  if (!port || !(bracketed || is_host(host))) return std::nullopt;
  if (bracketed) host = host.substr(1, host.size() - 2);
  return Address{Address::Kind::host_port, std::string(host), *port, "", std::string(text)};
}

}  // namespace weir::config
