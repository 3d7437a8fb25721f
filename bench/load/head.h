// As much of HTTP/1.1's heads as the generator and the origins have to read.
#pragma once

#include <string_view>

namespace weir::load {

/// The first value of a header, without blanks around it; empty where there is none. Names are compared without case.
/// `head` is a message's head with its first line.
std::string_view header(std::string_view head, std::string_view name);

/// A number of digits only; -1 if it is none, or over 15 digits.
long long digits(std::string_view text);

}  // namespace weir::load
