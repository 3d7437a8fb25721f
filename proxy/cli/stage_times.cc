#include "proxy/cli/stage_times.h"

#include <fmt/format.h>

#include "config/units.h"
#include "proxy/control/attendance_book.h"
#include "routing/rollout/attendance.h"
#include "routing/rollout/plan.h"

namespace weir::cli {

namespace rollout = routing::rollout;

namespace {

/// As a person would say it: the smallest hold that would do, rounded up.
std::string time_text(rollout::milliseconds time) {
  using std::chrono::ceil;
  using std::chrono::hours;
  using std::chrono::minutes;
  if (time > hours(48)) return config::duration_text(ceil<std::chrono::days>(time));
  if (time > minutes(120)) return config::duration_text(ceil<hours>(time));
  return config::duration_text(ceil<minutes>(time));
}

void warn_of(const config::Service& service, const rollout::Attendance& attendance, config::Warnings& warnings) {
  const rollout::Plan plan = rollout::plan_of(service);
  for (size_t i = 0; i < plan.stages.size(); ++i) {
    const rollout::Stage& stage = plan.stages[i];
    const uint64_t users = rollout::least_users(plan, stage);
    const auto time = rollout::time_to_see(users, stage.share, attendance);
    const bool soaks = stage.share == config::kEverybody;  // nobody is left to compare with
    if (soaks || !time || *time <= stage.hold) continue;
    const bool asks_proof = stage.proof_required && users > plan.min_users;
    warnings.push_back(
        {service.rollout->stages[i].where,
         fmt::format(
             "stages: {} of {}'s users, about {:.0f} in the last day, are {} in no less than {}, which the stage "
             "needs {}: it will last longer than its hold of {}; write hold: {}{}",
             config::share_text(stage.share), service.name, attendance.in_day, users, time_text(*time),
             asks_proof ? "as proof" : "by min_users", config::duration_text(stage.hold), time_text(*time),
             asks_proof ? ", or proof: harm_only" : ", or fewer min_users")});
  }
}

}  // namespace

config::Warnings slow_stages(const config::Config& config) {
  config::Warnings warnings;
  if (!config.state) return warnings;
  const control::AttendanceBook book(config.state->directory);
  for (const config::Service& service : config.services) {
    const auto attendance = book.last_day(service.name);
    if (service.rollout && attendance) warn_of(service, *attendance, warnings);
  }
  return warnings;
}

}  // namespace weir::cli
