// If-Match (RFC 9110 §13.1.1) of a resource whose strong ETag is a revision. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::admin {

struct Precondition {
  bool given = false;
  bool malformed = false;
  std::optional<uint64_t> revision;  // that must be in force; nothing: any (`*`)
};

/// From every occurrence of the field. Of several tags the one of `current` counts if it is among them.
/// A tag that is no revision of ours, or is weak, matches nothing: it counts as revision 0, which never is.
Precondition read_if_match(const std::vector<std::string>& lines, uint64_t current);

}  // namespace weir::admin
