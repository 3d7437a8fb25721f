// The word that was probably meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace weir::config {

/// How many characters to add, drop, change or swap with their neighbour to make `b` of `a`.
size_t edit_distance(std::string_view a, std::string_view b);

/// The nearest of `known`, if it is near enough to be what was meant; else empty.
std::string nearest(std::string_view word, std::span<const std::string> known);

}  // namespace weir::config
