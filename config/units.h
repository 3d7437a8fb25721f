// Times and sizes as the file writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"

namespace weir::config {

/// Parses `250ms`, `2s`, `5m`, `1h`, `365d`: a whole number and its unit, at most 3650 days.
std::optional<Milliseconds> parse_duration(std::string_view text);
/// In the largest unit that leaves no fraction: `75s`, `1h`.
std::string duration_text(Milliseconds duration);

/// Parses `512B`, `64KiB`, `1MiB`, `1GiB` into bytes, below 2^53.
std::optional<uint64_t> parse_size(std::string_view text);
/// In the largest unit that leaves no fraction.
std::string size_text(uint64_t bytes);

}  // namespace weir::config
