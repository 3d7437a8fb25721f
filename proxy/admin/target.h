// The target of a request in its parts. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::admin {

/// RFC 9112 §3.2.
struct Target {
  std::optional<std::string_view> authority;  // of an absolute-form
  std::string_view path;
  std::string_view query;  // without the question mark
};

/// Nothing if it is neither an origin-form nor an absolute-form of http.
std::optional<Target> parse_target(std::string_view text);

/// Percent-decoded (RFC 3986 §2.1); nothing if that is malformed.
std::optional<std::string> decode(std::string_view text);

/// Parameters in the order they were given, decoded; one without `=` has the value "".
using Parameters = std::vector<std::pair<std::string, std::string>>;

/// Nothing if an encoding is malformed.
std::optional<Parameters> parse_query(std::string_view query);

}  // namespace weir::admin
