// What may stand for a host.
#pragma once

#include <string_view>

namespace weir::config {

/// A host name (letters, digits, - and _ in labels of 1 to 63, 253 in all) or an IPv4 literal. What
/// ends in a number must be a whole address.
bool is_host(std::string_view text);

/// An IPv6 literal in brackets.
bool is_bracketed_v6(std::string_view text);

}  // namespace weir::config
