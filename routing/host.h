// A host as it is compared: without case, port and trailing dot (RFC 9110 §4.2.3, RFC 3986 §3.2.2).
#pragma once

#include <string>
#include <string_view>

namespace weir::routing {

/// Without port, brackets and trailing dot, in lower case; an IPv6 literal in its canonical form (RFC 5952).
/// Returns a view into `host` where nothing is to do but to cut, else into `scratch`.
std::string_view normalise_host(std::string_view host, std::string& scratch);

}  // namespace weir::routing
