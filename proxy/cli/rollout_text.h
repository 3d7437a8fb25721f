// A rollout of the API as a person reads it.
#pragma once

#include <boost/json.hpp>
#include <string>

namespace weir::cli {

/// `shop: holding at 5%, stage 3 of 6`.
std::string rollout_line(const boost::json::object& rollout);

/// The stage, the users, each metric, what is missing, what comes next, and the last steps: some lines.
std::string rollout_text(const boost::json::object& rollout);

}  // namespace weir::cli
