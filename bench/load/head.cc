#include "bench/load/head.h"

#include <strings.h>

namespace weir::load {

std::string_view header(std::string_view head, std::string_view name) {
  for (size_t end = head.find('\n'); end != std::string_view::npos; end = head.find('\n')) {
    head.remove_prefix(end + 1);
    if (head.size() <= name.size() || head[name.size()] != ':') continue;
    if (strncasecmp(head.data(), name.data(), name.size()) != 0) continue;
    std::string_view value = head.substr(name.size() + 1);
    value = value.substr(0, value.find_first_of("\r\n"));
    while (value.starts_with(' ')) value.remove_prefix(1);
    while (value.ends_with(' ')) value.remove_suffix(1);
    return value;
  }
  return {};
}

long long digits(std::string_view text) {
  if (text.empty() || text.size() > 15) return -1;
  long long value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace weir::load
