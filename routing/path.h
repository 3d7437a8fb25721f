// A path as it is matched: percent-decoded once, dot segments resolved, empty segments merged.
#pragma once

#include <string>
#include <string_view>

namespace weir::routing {

/// The form of `path` that rules and services are matched with (contract §3); what is forwarded stays as
/// it came. `%2F` stays encoded (in upper case), so that it never makes a segment; a `%` that is not
/// followed by two hex digits stays what it is; `..` at the root stays at the root (RFC 3986 §5.2.4).
/// A path that does not begin with `/` (`*`) is returned untouched, an empty one as `/`.
/// Returns `path` itself where nothing is to do, else a view into `scratch`.
std::string_view normalise_path(std::string_view path, std::string& scratch);

/// A prefix of a configuration as prefixes are compared: normalised, without the slash at its end. The
/// root becomes the empty text, which is a prefix of everything.
std::string normalise_prefix(std::string_view prefix);

/// Whether `path` is `prefix` or lies below it; both normalised.
inline bool under_prefix(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) && (prefix.empty() || path.size() == prefix.size() || path[prefix.size()] == '/');
}

}  // namespace weir::routing
