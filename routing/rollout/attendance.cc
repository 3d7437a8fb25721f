#include "routing/rollout/attendance.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "routing/rollout/bounds.h"

namespace weir::routing::rollout {

namespace {

constexpr unsigned kWindowsInHour = 6;
constexpr uint64_t kMostUsers = 10'000'000;

double users_in(const UserFilter& filter) { return filter.users(); }

}  // namespace

std::optional<Attendance> Day::add(std::span<const uint64_t> users) {
  UserFilter window;
  window.unite(users);
  sum_of_windows_ += users_in(window);
  hour_.unite(users);
  day_.unite(users);
  if (++windows_ % kWindowsInHour == 0) {
    sum_of_hours_ += users_in(hour_);
    hour_.clear();
  }
  if (windows_ < kWindows) return std::nullopt;
  const Attendance whole{sum_of_windows_ / kWindows, sum_of_hours_ * kWindowsInHour / kWindows, users_in(day_)};
  *this = Day();
  return whole;
}

std::optional<Day> Day::of(unsigned windows, double sum_of_windows, double sum_of_hours, UserFilter hour,
                           UserFilter day) {
  const bool right = windows < kWindows && sum_of_windows >= 0 && sum_of_hours >= 0;
  if (!right) return std::nullopt;
  Day begun;
  begun.windows_ = windows;
  begun.sum_of_windows_ = sum_of_windows;
  begun.sum_of_hours_ = sum_of_hours;
  begun.hour_ = std::move(hour);
  begun.day_ = std::move(day);
  return begun;
}

/// Different users grow more and more slowly: between two times that are known, as a power of time; before the first
/// and behind the last one, as if each were new.
std::optional<milliseconds> time_to_see(uint64_t users, config::Share share, const Attendance& attendance) {
  using Minutes = std::chrono::duration<double, std::ratio<60>>;
  const double wanted = static_cast<double>(users) / std::max(fraction(share), 1e-6);
  const std::array<std::pair<double, double>, 3> known{
      {{10, attendance.in_window}, {60, attendance.in_hour}, {24 * 60, attendance.in_day}}};
  if (known.front().second <= 0) return std::nullopt;
  const auto as_time = [](double minutes) { return std::chrono::ceil<milliseconds>(Minutes(minutes)); };
  if (wanted <= known.front().second) return as_time(known.front().first * wanted / known.front().second);
  for (size_t i = 1; i < known.size(); ++i) {
    const auto [before, fewer] = known[i - 1];
    const auto [after, more] = known[i];
    if (wanted > more || more <= fewer) continue;
    const double way = std::log(wanted / fewer) / std::log(more / fewer);
    return as_time(before * std::pow(after / before, way));
  }
  return as_time(known.back().first * std::min(wanted / known.back().second, 1e6));
}

uint64_t least_users(const Plan& plan, const Stage& stage) {
  if (!stage.proof_required) return plan.min_users;
  const double alpha = plan.pass / 2;  // of the first look
  uint64_t least = 1, most = kMostUsers;
  while (least < most) {
    const uint64_t middle = least + (most - least) / 2;
    if (upper_bound_of_part(0, middle, alpha) <= plan.tolerance) {
      most = middle;
    } else {
      least = middle + 1;
    }
  }
  return std::max(plan.min_users, least);
}

}  // namespace weir::routing::rollout
