// What somebody in front of a running demo may try, with commands to paste.
#pragma once

#include <string>

#include "routing/snapshot.h"

namespace weir::demo {

struct Whereabouts {
  std::string edge, admin;  // as in the configuration; admin may be empty
  std::string config_file;
};

/// Several lines; which version the example users meet is computed, not promised.
std::string what_to_try(const routing::ServicePlan& service, const Whereabouts& where);

}  // namespace weir::demo
