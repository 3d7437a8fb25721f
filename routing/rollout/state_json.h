// A rollout's state as JSON, one way and back: for what must outlive the process.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>

#include "routing/rollout/state.h"

namespace weir::routing::rollout {

/// Everything, evidence and users included.
boost::json::object state_json(const State& state);
/// Nothing if something is missing, makes no sense, or is of a plan with another number of stages.
std::optional<State> state_of(const boost::json::value& json, const Plan& plan);

}  // namespace weir::routing::rollout
