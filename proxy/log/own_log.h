// What weir tells of itself, on standard error: of spdlog's default logger.
#pragma once

namespace weir::log {

/// A line each with time and level; with the journal's level (`<3>`, sd-daemon(3)) and no time where standard error is
/// the journal. Equal lines are bounded (repeats.h). Before there are threads.
void tell_on_stderr();

/// Standard error is a stream of systemd's journal (JOURNAL_STREAM).
bool stderr_is_the_journal();

}  // namespace weir::log
