#include "routing/rollout/freeze.h"

#include <cctz/civil_time.h>

namespace weir::routing::rollout {

namespace {

using std::chrono::minutes;

constexpr minutes kWeek{7 * 24 * 60};
/// Windows that cover the whole week together never end: so many that follow upon each other are looked at.
constexpr int kMostInARow = 16;

Instant first_of(const cctz::time_zone::civil_lookup& found) {
  return found.kind == cctz::time_zone::civil_lookup::SKIPPED ? found.trans : found.pre;
}

Instant last_of(const cctz::time_zone::civil_lookup& found) {
  return found.kind == cctz::time_zone::civil_lookup::SKIPPED ? found.trans : found.post;
}

cctz::civil_day monday_before(cctz::civil_day day) {
  const auto weekday = static_cast<int>(cctz::get_weekday(day));  // Monday is 0
  return day - weekday;
}

}  // namespace

std::optional<Freeze> Freeze::of(const config::FreezeWindow& window) {
  Freeze freeze;
  if (!cctz::load_time_zone(window.zone, &freeze.zone_)) return std::nullopt;
  freeze.begin_ = window.begin;
  freeze.length_ = window.end - window.begin + (window.end > window.begin ? minutes{0} : kWeek);
  freeze.text_ = window.text;
  return freeze;
}

std::optional<Thaw> Freeze::until(Instant now) const {
  const cctz::civil_day monday = monday_before(cctz::civil_day(cctz::convert(now, zone_)));
  for (const int week : {-1, 0, 1}) {
    const cctz::civil_second begin(cctz::civil_minute(monday + 7 * week) + begin_.count());
    const cctz::civil_second end(cctz::civil_minute(begin) + length_.count());
    const Instant over = last_of(zone_.lookup(end));
    if (first_of(zone_.lookup(begin)) <= now && now < over) {
      return Thaw{over, cctz::format("%a %Y-%m-%d %H:%M %Z", over, zone_)};
    }
  }
  return std::nullopt;
}

std::optional<Thaw> frozen_until(const std::vector<Freeze>& windows, Instant now) {
  std::optional<Thaw> last;
  for (int in_a_row = 0; in_a_row < kMostInARow; ++in_a_row) {
    bool further = false;
    for (const Freeze& window : windows) {
      auto thaw = window.until(last ? last->at : now);
      if (!thaw) continue;
      last = std::move(thaw);
      further = true;
    }
    if (!further) break;
  }
  return last;
}

}  // namespace weir::routing::rollout
