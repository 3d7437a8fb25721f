// Splits and changes of the API as a person reads them.
#pragma once

#include <boost/json.hpp>
#include <string>

namespace weir::cli {

/// `old 75%, new 25%`.
std::string shares_text(const boost::json::value& shares);

/// `2026-11-23 14:07:12` in local time, of RFC 3339 in UTC; what is none comes back as it is.
std::string local_time(std::string_view rfc3339);

/// What a change changed: `new 10% → 25%`, `new 25% → 0%, closed`.
std::string change_text(const boost::json::object& change);

/// Who and how: `max@laptop (cli)`.
std::string author_text(const boost::json::object& change);

/// A split in one line: `revision 9, old 50%, new 50%, by eve@ops (cli) at 2026-11-23 14:07:12: ramp`.
std::string split_text(const boost::json::object& split);

/// What a change would do or did to whom, as first-minutes has it:
/// `moves 15% of users old → new, none back · new 98 → about 245 req/s of 900 · ok`.
std::string effect_text(const boost::json::object& effect);

/// A member's text; empty if it is absent or none.
std::string text_of(const boost::json::object& object, const char* name);
bool flag_of(const boost::json::object& object, const char* name, bool otherwise = false);
double number_of(const boost::json::object& object, const char* name);
/// A member that is an object; empty if it is none.
const boost::json::object& object_of(const boost::json::object& object, const char* name);
const boost::json::array& array_of(const boost::json::object& object, const char* name);

}  // namespace weir::cli
