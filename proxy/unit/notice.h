// What weir tells whoever supervises it: sd_notify(3). Where nobody asked (no NOTIFY_SOCKET) nothing is said.
//
// Any thread, after `begin`; a notice that cannot be delivered is lost without a word, as the manual advises.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

namespace weir::unit {

/// Serving. `status` is what `systemctl status` shows of it, one line.
void tell_ready(const std::string& status);
/// The configuration is being loaded again; `tell_ready` ends it, whether it was taken or not.
void tell_reloading();
void tell_status(const std::string& status);
void tell_stopping(const std::string& status);
/// Another process is the service from here on.
void tell_main_process(pid_t id);

/// A sign of life; the supervisor ends a weir that gives none.
void tell_alive();
/// How often it wants one (WatchdogSec=); nothing: never.
std::optional<std::chrono::microseconds> watchdog_interval();

}  // namespace weir::unit
