// JSON as the admin API takes it: one reading only. Pure.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

namespace weir::admin {

/// Deeper ones are refused: no body of the API needs more.
inline constexpr size_t kMaxDepth = 8;

struct StrictJson {
  boost::json::value value;
  std::string wrong;  // a sentence; empty: nothing
  std::string field;  // the name that stands twice
};

/// A text of RFC 8259 in UTF-8, in which no object has a name twice.
StrictJson parse_strictly(std::string_view text);

/// Is this UTF-8 without controls, line separators and marks that turn the direction of writing? What
/// others will read in a terminal must be no more than text.
bool is_printable(std::string_view text);

}  // namespace weir::admin
