#include "routing/host.h"

#include <arpa/inet.h>

#include <array>
#include <cstring>

#include "routing/ascii.h"

namespace weir::routing {
namespace {

bool is_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// The canonical text of an IPv6 literal; the text in lower case if it is none.
std::string_view canonical_v6(std::string_view literal, std::string& scratch) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  in6_addr address{};
  if (literal.size() < text.size()) {
    std::memcpy(text.data(), literal.data(), literal.size());
    if (inet_pton(AF_INET6, text.data(), &address) == 1) {
      inet_ntop(AF_INET6, &address, text.data(), text.size());
      scratch.assign(text.data());
      return scratch;
    }
  }
  return lower_into(literal, scratch);
}

std::string_view without_port(std::string_view host) {
  const size_t colon = host.rfind(':');
  return colon != std::string_view::npos && is_digits(host.substr(colon + 1)) ? host.substr(0, colon) : host;
}

}  // namespace

std::string_view normalise_host(std::string_view host, std::string& scratch) {
  if (host.starts_with('[')) {
    const size_t close = host.find(']');
    if (close != std::string_view::npos) return canonical_v6(host.substr(1, close - 1), scratch);
  }
  host = without_port(host);
  if (host.ends_with('.')) host.remove_suffix(1);
  const bool lower = std::none_of(host.begin(), host.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  return lower ? host : lower_into(host, scratch);
}

}  // namespace weir::routing
