// Who asks for a change. Pure.
#pragma once

#include <optional>

#include "proxy/admin/message.h"
#include "proxy/control/operator.h"

namespace weir::admin {

/// Fills `author`; the refusal if X-Weir-Actor is not a name.
std::optional<Response> read_author(const Request& request, control::Author& author);

}  // namespace weir::admin
