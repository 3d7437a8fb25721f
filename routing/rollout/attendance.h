// How many users come to a service in ten minutes, in an hour and in a day, and so how long it takes until enough of
// them were seen. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "routing/rollout/plan.h"
#include "routing/rollout/user_filter.h"

namespace weir::routing::rollout {

inline constexpr std::chrono::minutes kWindow{10};

/// About how many different users there are, on average over a day.
struct Attendance {
  double in_window = 0, in_hour = 0, in_day = 0;
};

/// Gathers a day, a window after the other.
class Day {
 public:
  static constexpr unsigned kWindows = 24 * 6;

  /// Whom one more window saw, a bit each. The day's figures once it is whole; the next one begins then.
  std::optional<Attendance> add(std::span<const uint64_t> users);

  // What there is to keep of a day that is not whole.
  unsigned windows() const { return windows_; }
  double sum_of_windows() const { return sum_of_windows_; }
  double sum_of_hours() const { return sum_of_hours_; }
  const UserFilter& hour() const { return hour_; }
  const UserFilter& day() const { return day_; }
  /// Nothing where this is no day that has begun.
  static std::optional<Day> of(unsigned windows, double sum_of_windows, double sum_of_hours, UserFilter hour,
                               UserFilter day);

 private:
  unsigned windows_ = 0;
  double sum_of_windows_ = 0, sum_of_hours_ = 0;
  UserFilter hour_, day_;
};

/// How long until `users` of `share` were seen, at the least; nothing where nobody comes.
std::optional<milliseconds> time_to_see(uint64_t users, config::Share share, const Attendance& attendance);

/// How many users a stage has to see before it passes, if none of them errs.
uint64_t least_users(const Plan& plan, const Stage& stage);

}  // namespace weir::routing::rollout
