// Whether a rollout's stages can pass in the time that they are given, by the users of the last day.
#pragma once

#include "config/config.h"
#include "config/parse.h"

namespace weir::cli {

/// Stages that would need more time than their hold until enough users were seen. Nothing of services whose users are
/// not known: weir writes them into the state's directory once it has served for a day.
config::Warnings slow_stages(const config::Config& config);

}  // namespace weir::cli
