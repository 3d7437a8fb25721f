// What the admin API shows of all services: the numbers of their versions, and how their endpoints stand. Control
// thread.
#pragma once

#include "proxy/admin/api.h"
#include "proxy/metrics/registry.h"
#include "proxy/publication.h"

namespace weir::proxy {

admin::View overview(const Publication& publication, metrics::Registry& registry);

}  // namespace weir::proxy
