// The demo's check of itself: 1,000 users through real sockets, and where each of them went.
#pragma once

#include <functional>
#include <string>

#include "config/config.h"
#include "proxy/metrics/summary.h"

namespace weir::demo {

/// Asks weir for its own numbers; callable from any thread.
using Count = std::function<metrics::Summary()>;

/// Sends every user once, at the share that `config_file` asks for, and compares each answer with the
/// user's bucket; then edits the file to 25%, waits until that is in force, and does so again. Weir's
/// numbers must be what was sent. Tells what it found on standard output; true if all is right.
/// Thread: one of its own, as weir must run beside it.
bool smoke(const config::Address& edge, const std::string& config_file, const Count& count);

}  // namespace weir::demo
