// Which answer belongs to a request: the table of contract §5. Knows no socket.
#pragma once

#include <string>
#include <vector>

#include "proxy/admin/access.h"
#include "proxy/admin/message.h"
#include "proxy/admin/route.h"

namespace weir::admin {

/// Gives the answer, at once or when the operator has done what was asked; `done` is called once, and
/// what a route throws becomes a 500. In this order: Host and Origin (400, 403), token (401), path (404), method (405).
void answer(const Request& request, const Access& access, const Sources& sources, const Answer& done);

/// Every route, as `PUT /api/v1/services/{service}/split`, in the order of the table.
std::vector<std::string> route_names();

}  // namespace weir::admin
