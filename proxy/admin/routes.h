// Which answer belongs to a request: the table of contract §5. Pure; knows no socket.
#pragma once

#include <functional>
#include <string>

#include "proxy/admin/access.h"
#include "proxy/admin/api.h"
#include "proxy/admin/message.h"

namespace weir::admin {

/// Where the answers come from. Called on the control thread, only while the Server lives; what one
/// throws becomes a 500.
struct Sources {
  std::function<bool()> ready;                // false while draining and before the first snapshot
  std::function<std::string()> metrics_text;  // the page for Prometheus
  std::function<View()> services;
};

/// The answer; never throws. In this order: Host and Origin (400, 403), token (401), path (404), method (405).
Response answer(const Request& request, const Access& access, const Sources& sources);

}  // namespace weir::admin
