// The one condition of each rule by which the index finds it.
#pragma once

#include <cstdint>
#include <vector>

#include "routing/condition.h"

namespace weir::routing {

/// A rule without a condition that can be indexed; it is looked at for every request.
inline constexpr uint32_t kNoAnchor = ~uint32_t{0};

/// For each rule the position of its anchor among its conditions, or kNoAnchor: the condition that few
/// requests meet and that few other rules are found by.
std::vector<uint32_t> choose_anchors(const std::vector<std::vector<Condition>>& rules);

}  // namespace weir::routing
