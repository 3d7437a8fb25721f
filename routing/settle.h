// From the rule that matched (or none) to the version: the half of deciding that decide and explain share.
#pragma once

#include "routing/decide.h"
#include "routing/override.h"
#include "routing/reading.h"

namespace weir::routing {

/// The share that a request's bucket is compared with: the rule's own, or the service's; nobody's while the
/// candidate is closed.
config::Share share_for(const ServicePlan& service, uint32_t rule);

/// Takes the version of a good token, before any rule is asked; false, and nothing, for another.
bool force(const Override& found, Decision& decision);

/// Fills in what follows from `decision.rule` (kNone: none matched) or from a forced version: version, bucket, by,
/// mint.
void settle(const ServicePlan& service, const Reading& reading, const Availability& available, const Chance& chance,
            Decision& decision);

}  // namespace weir::routing
