#include "routing/path.h"

#include <cstring>

namespace weir::routing {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Nothing to decode, no `//`, and no segment that begins with a dot.
bool is_normal(std::string_view path) {
  if (std::memchr(path.data(), '%', path.size()) != nullptr) return false;
  const char* at = path.data();
  const char* const last = path.data() + path.size() - 1;
  while (at < last) {
    const auto* slash = static_cast<const char*>(std::memchr(at, '/', static_cast<size_t>(last - at)));
    if (slash == nullptr) return true;
    if (slash[1] == '/' || slash[1] == '.') return false;
    at = slash + 1;
  }
  return true;
}

void decode_once(std::string_view path, std::string& out) {
  out.clear();
  for (size_t i = 0; i < path.size(); ++i) {
    const bool encoded =
        path[i] == '%' && i + 2 < path.size() && hex_value(path[i + 1]) >= 0 && hex_value(path[i + 2]) >= 0;
    if (!encoded) {
      out.push_back(path[i]);
      continue;
    }
    const char c = static_cast<char>(hex_value(path[i + 1]) * 16 + hex_value(path[i + 2]));
    if (c == '/') {
      out.append("%2F");
    } else {
      out.push_back(c);
    }
    i += 2;
  }
}

/// Removes the last segment of what is written so far: `/a/b` -> `/a`.
size_t parent(const std::string& path, size_t end) {
  while (end > 0 && path[--end] != '/') {
  }
  return end;
}

/// Resolves dot segments and merges empty ones, in place: writing never overtakes reading.
void resolve_segments(std::string& path) {
  const size_t size = path.size();
  size_t out = 0;
  bool ends_with_slash = false;
  for (size_t at = 0; at < size;) {
    const size_t begin = at + 1;  // path[at] is a slash
    size_t end = path.find('/', begin);
    if (end == std::string::npos) end = size;
    const std::string_view segment = std::string_view(path).substr(begin, end - begin);
    const bool up = segment == "..";
    const bool kept = !segment.empty() && segment != "." && !up;
    if (up) out = parent(path, out);
    if (kept) {
      path[out] = '/';
      std::memmove(path.data() + out + 1, path.data() + begin, segment.size());
      out += 1 + segment.size();
    }
    ends_with_slash = !kept;
    at = end;
  }
  if (ends_with_slash) path[out++] = '/';
  path.resize(out);
}

}  // namespace

std::string_view normalise_path(std::string_view path, std::string& scratch) {
  if (path.empty()) return "/";
  if (path.front() != '/' || is_normal(path)) return path;
  decode_once(path, scratch);
  resolve_segments(scratch);
  return scratch;
}

std::string normalise_prefix(std::string_view prefix) {
  std::string scratch;
  std::string normal(normalise_path(prefix, scratch));
  while (!normal.empty() && normal.back() == '/') normal.pop_back();
  return normal;
}

}  // namespace weir::routing
