#include "proxy/exchange/client.h"

#include <arpa/inet.h>

#include <charconv>

namespace weir::proxy {

namespace {

/// A dotted quad; inet_ntop goes through printf, which shows at every request.
std::string_view quad_text(const uint8_t* bytes, std::span<char> buffer) {
  char* at = buffer.data();
  for (size_t i = 0; i < 4; ++i) {
    if (i > 0) *at++ = '.';
    at = std::to_chars(at, buffer.data() + buffer.size(), unsigned{bytes[i]}).ptr;
  }
  return {buffer.data(), static_cast<size_t>(at - buffer.data())};
}

}  // namespace

std::string_view address_text(const config::IpAddress& address, AddressText buffer) {
  if (address.is_v4()) return quad_text(address.bytes.data() + 12, buffer);
  const char* const text = inet_ntop(AF_INET6, address.bytes.data(), buffer.data(), buffer.size());
  return text ? std::string_view(text) : std::string_view{};
}

}  // namespace weir::proxy
