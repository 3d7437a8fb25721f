#include "proxy/unit/notice.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <ctime>

namespace weir::unit {

namespace {

void tell(const std::string& assignments) { sd_notify(0, assignments.c_str()); }

/// A line break would begin another assignment.
std::string line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

/// CLOCK_MONOTONIC, by which systemd tells a reload's answer from an older one.
uint64_t monotonic_microseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace

void tell_ready(const std::string& status) { tell(fmt::format("READY=1\nSTATUS={}", line(status))); }

void tell_reloading() {
  tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=Loading the configuration", monotonic_microseconds()));
}

void tell_status(const std::string& status) { tell("STATUS=" + line(status)); }

void tell_stopping(const std::string& status) { tell(fmt::format("STOPPING=1\nSTATUS={}", line(status))); }

void tell_main_process(pid_t id) { tell(fmt::format("MAINPID={}", id)); }

void tell_alive() { tell("WATCHDOG=1"); }

std::optional<std::chrono::microseconds> watchdog_interval() {
  uint64_t interval = 0;
  if (sd_watchdog_enabled(0, &interval) <= 0 || interval == 0) return std::nullopt;
  return std::chrono::microseconds(interval);
}

}  // namespace weir::unit
