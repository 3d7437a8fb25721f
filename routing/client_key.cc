#include "routing/client_key.h"

#include <charconv>
#include <cstring>

namespace weir::routing {
namespace {

char* write_v4(const config::IpAddress& ip, char* at, char* end) {
  for (size_t i = 12; i < 16; ++i) {
    if (i > 12) *at++ = '.';
    at = std::to_chars(at, end, ip.bytes[i]).ptr;
  }
  return at;
}

/// The lower half is zero, so the run of zeros at the end is the longest one and is what `::` stands for.
char* write_v6_network(const config::IpAddress& ip, char* at, char* end) {
  const auto group = [&](size_t i) { return static_cast<unsigned>(ip.bytes[2 * i] << 8 | ip.bytes[2 * i + 1]); };
  size_t groups = 4;
  while (groups > 0 && group(groups - 1) == 0) --groups;
  if (groups == 0) *at++ = ':';
  for (size_t i = 0; i < groups; ++i) {
    at = std::to_chars(at, end, group(i), 16).ptr;
    *at++ = ':';
  }
  std::memcpy(at, ":/64", 4);
  return at + 4;
}

}  // namespace

std::string_view client_key(const config::IpAddress& ip, ClientKeyText& text) {
  char* const end = text.data() + text.size();
  const char* const stop = ip.is_v4() ? write_v4(ip, text.data(), end) : write_v6_network(ip, text.data(), end);
  return {text.data(), static_cast<size_t>(stop - text.data())};
}

}  // namespace weir::routing
