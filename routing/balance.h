// Loads of a version's endpoints + chance -> the endpoint to use. Pure: health and loads are measured elsewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "config/config.h"

namespace weir::routing {

/// A load that says: not this one (down, full, or already tried for this request).
inline constexpr uint32_t kUnusable = ~uint32_t{0};
/// No endpoint can be used.
inline constexpr uint32_t kNoEndpoint = ~uint32_t{0};

/// Picks an index into `loads` (requests under way at each endpoint), or kNoEndpoint if none is usable.
///
/// least_requests: the less loaded of two different usable endpoints drawn at random (Mitzenmacher, "The
/// Power of Two Choices in Randomized Load Balancing", 2001); `dice` is 64 random bits; a tie goes to the
/// first drawn. round_robin: the usable ones in turn; `turn` is the caller's memory, one a version and
/// worker. Endpoints that cannot be used do not give their part to their neighbour: both ways draw among
/// the usable ones only.
uint32_t pick(config::Balance balance, std::span<const uint32_t> loads, uint64_t dice, uint32_t& turn);

/// The same while some endpoints' parts still grow: `weights` are 0 … 1, one for each load. An endpoint that is
/// drawn is passed over with the chance that its weight leaves, and another one drawn; so at a tenth of its part it
/// gets about a tenth of it, however the version is balanced.
uint32_t pick_weighted(config::Balance balance, std::span<const uint32_t> loads, std::span<const double> weights,
                       const std::function<uint64_t()>& roll, uint32_t& turn);

}  // namespace weir::routing
