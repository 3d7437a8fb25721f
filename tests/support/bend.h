// Messages bent in the ways that parsers are known to disagree about.
#pragma once

#include <random>
#include <string>

namespace weir::testing {

/// Puts pieces in, takes bytes out or changes them, mostly in the head. `message` has a head that is whole.
void bend(std::string& message, std::mt19937& dice);

/// May weir rightly read a request there where the letter of the RFC's grammar has none? (Tested by name elsewhere.)
bool is_forgiven(const std::string& bytes);

}  // namespace weir::testing
