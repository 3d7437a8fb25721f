// Windows of the week in which nothing climbs, by the clocks of a place. Pure: the time is an argument; the rules of
// zones are the system's (tzdata), read once.
#pragma once

#include <cctz/time_zone.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "config/rollout.h"

namespace weir::routing::rollout {

using Instant = std::chrono::system_clock::time_point;

/// When a window ends, as an instant and by its own clocks: `Mon 2026-11-30 08:00 CET`.
struct Thaw {
  Instant at;
  std::string text;
};

class Freeze {
 public:
  /// Nothing: the system knows no such zone.
  static std::optional<Freeze> of(const config::FreezeWindow& window);

  /// When the window that `now` is in ends; nothing: it is in none. Where clocks go back a window begins with the
  /// first and ends with the last of two equal times; a time that they skip is the moment at which they do.
  std::optional<Thaw> until(Instant now) const;
  /// As the operator wrote it.
  const std::string& text() const { return text_; }

 private:
  std::chrono::minutes begin_{}, length_{};
  cctz::time_zone zone_;
  std::string text_;
};

/// When the last of windows that follow upon each other ends; nothing: `now` is in none.
std::optional<Thaw> frozen_until(const std::vector<Freeze>& windows, Instant now);

}  // namespace weir::routing::rollout
