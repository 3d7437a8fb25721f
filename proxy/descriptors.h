// How many descriptors this process may have.
#pragma once

#include "config/config.h"

namespace weir::proxy {

/// The soft limit becomes the hard one; what of `limits.connections` does not fit into it is told, and weir starts.
void raise_descriptor_limit(const config::Config& config);

}  // namespace weir::proxy
