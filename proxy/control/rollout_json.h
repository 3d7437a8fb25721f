// A rollout as JSON: for operators, and for the state that outlives the process.
#pragma once

#include <boost/json/object.hpp>

#include "proxy/control/rollouts.h"

namespace weir::control {

boost::json::object plan_json(const routing::rollout::Plan& plan);
/// As the API shows it: where it stands, what the evidence is, what is missing, what comes next.
boost::json::object rollout_json(const Run& run);
boost::json::object entry_json(const Run& run, const RolloutEntry& entry);

/// As it is kept.
boost::json::object kept_json(const Run& run);
/// False: what was kept cannot be used for this plan. `same_plan` tells whether it is the plan it was kept under.
bool read_kept(const boost::json::value& kept, Run& run, bool& same_plan);

}  // namespace weir::control
