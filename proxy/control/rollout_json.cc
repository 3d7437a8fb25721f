#include "proxy/control/rollout_json.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "config/units.h"
#include "proxy/control/change_json.h"
#include "proxy/control/rollout_hooks.h"
#include "routing/rollout/state_json.h"
#include "routing/rollout/verdict.h"

namespace weir::control {

namespace json = boost::json;
namespace rollout = routing::rollout;

namespace {

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

std::string_view failing_text(config::IfFailing what) {
  switch (what) {
    case config::IfFailing::pause:
      return "pause";
    case config::IfFailing::step_back:
      return "step_back";
    case config::IfFailing::rollback:
      break;
  }
  return "rollback";
}

std::string_view undecided_text(config::IfUndecided what) {
  switch (what) {
    case config::IfUndecided::extend:
      return "extend";
    case config::IfUndecided::approve:
      return "approve";
    case config::IfUndecided::hold:
      break;
  }
  return "hold";
}

json::object pair(const std::array<uint64_t, 2>& both) {
  return {{"stable", both[rollout::kStable]}, {"candidate", both[rollout::kCandidate]}};
}

json::object metric_json(const rollout::Plan& plan, const rollout::MetricEvidence& evidence) {
  return {{"erred_first", pair(evidence.first)},
          {"erred_in_stage",
           pair({evidence.erred_here[rollout::kStable].size(), evidence.erred_here[rollout::kCandidate].size()})},
          {"harm", rollout::e_value(evidence.harm.log_e())},
          {"harm_limit", plan.fail_at()},
          {"safety", rollout::e_value(evidence.safety.log_e())},
          {"safety_limit", 1 / plan.pass},
          {"exposure_passed", evidence.exposed}};
}

/// What happens if nothing speaks against it.
std::string next_text(const rollout::Plan& plan, const rollout::State& state) {
  using rollout::Phase;
  switch (state.phase) {
    case Phase::holding:
    case Phase::judging: {
      if (plan.stages[state.stage].approve) return "awaits approval";
      if (state.stage + 1 == plan.stages.size()) return "done";
      return config::share_text(plan.stages[state.stage + 1].share);
    }
    case Phase::awaiting_approval:
      return "goes on when approved";
    case Phase::soaking:
      return "done";
    case Phase::paused:
      return "goes on when resumed";
    case Phase::rolled_back:
      return "reopen it and start anew, once it is mended";
    default:
      return "";
  }
}

json::array hooks_json(const Run& run) {
  json::array hooks;
  for (const config::RolloutHook& hook : run.hooks) {
    json::array on;
    for (const config::HookEvent event : hook.on) on.emplace_back(hook_event_text(event));
    hooks.push_back(
        json::object{{"on", std::move(on)}, {"url", hook.url.text}, {"timeout", config::duration_text(hook.timeout)}});
  }
  return hooks;
}

json::array freeze_json(const Run& run) {
  json::array windows;
  for (const rollout::Freeze& window : run.freezes) windows.emplace_back(window.text());
  return windows;
}

json::object judged_after_json(const Run& run) {
  metrics::HistogramSnapshot all;
  all.add(run.judged_after);
  return {{"events", all.count()},
          {"p50", seconds(all.quantile(0.5))},
          {"p99", seconds(all.quantile(0.99))},
          {"max", seconds(all.quantile(1))}};
}

double left(const rollout::Plan& plan, const rollout::State& state) {
  const auto whole = state.phase == rollout::Phase::soaking ? plan.soak : plan.stages[state.stage].hold;
  return std::max(0.0, seconds(whole - state.in_stage));
}

}  // namespace

json::object plan_json(const rollout::Plan& plan) {
  json::array stages, metrics;
  for (const rollout::Stage& stage : plan.stages) {
    stages.push_back(json::object{{"share", config::share_text(stage.share)},
                                  {"hold", config::duration_text(stage.hold)},
                                  {"approve", stage.approve},
                                  {"proof", stage.proof_required ? "required" : "harm_only"},
                                  {"no_return", stage.no_return}});
  }
  for (size_t i = 0; i < rollout::kMetrics; ++i) {
    if (plan.judged[i]) metrics.emplace_back(rollout::kMetricNames[i]);
  }
  return {{"candidate", plan.candidate},
          {"stable", plan.stable},
          {"stages", std::move(stages)},
          {"min_users", plan.min_users},
          {"metrics", std::move(metrics)},
          {"fail", plan.fail},
          {"pass", plan.pass},
          {"margin", plan.margin},
          {"tolerance", plan.tolerance},
          {"error_ratio", plan.error_ratio ? json::value(*plan.error_ratio) : json::value()},
          {"p99", plan.p99 ? json::value(config::duration_text(*plan.p99)) : json::value()},
          {"per_network", plan.per_network},
          {"if_failing", failing_text(plan.if_failing)},
          {"if_undecided", undecided_text(plan.if_undecided)},
          {"soak", config::duration_text(plan.soak)},
          {"warmup", config::duration_text(plan.warmup)},
          {"max_step", plan.max_step ? json::value(config::share_text(*plan.max_step)) : json::value()}};
}

json::object entry_json(const Run& run, const RolloutEntry& entry) {
  return {{"service", run.plan.service},
          {"at", time_text(entry.at)},
          {"what", entry.transition.what},
          {"stage", entry.transition.stage + 1},
          {"share", config::share_text(entry.transition.share)},
          {"why", entry.transition.why},
          {"actor", entry.author}};
}

json::object rollout_json(const Run& run) {
  const rollout::Plan& plan = run.plan;
  const rollout::State& state = run.state;
  json::object metrics;
  for (size_t i = 0; i < rollout::kMetrics; ++i) {
    if (plan.judged[i]) metrics[rollout::kMetricNames[i]] = metric_json(plan, state.evidence[i]);
  }
  json::array history;
  for (const RolloutEntry& entry : run.history) history.push_back(entry_json(run, entry));
  const auto thaw = rollout::frozen_until(run.freezes, std::chrono::system_clock::now());
  const bool climbing = state.phase == rollout::Phase::holding || state.phase == rollout::Phase::judging;
  return {{"service", plan.service},
          {"state", rollout::phase_name(state.phase)},
          {"why", state.why},
          {"stage", state.stage + 1},
          {"share", config::share_text(state.share)},
          {"in_stage_seconds", seconds(state.in_stage)},
          {"left_seconds", rollout::is_live(state.phase) ? left(plan, state) : 0},
          {"users", pair({state.seen[rollout::kStable].size(), state.seen[rollout::kCandidate].size()})},
          {"requests", pair({state.here[rollout::kStable].requests, state.here[rollout::kCandidate].requests})},
          {"failed", pair({state.here[rollout::kStable].failed, state.here[rollout::kCandidate].failed})},
          {"slow_seconds", seconds(run.slow)},
          {"metrics", std::move(metrics)},
          {"judged_after_seconds", judged_after_json(run)},
          {"missing", climbing ? rollout::forecast(plan, state).text : ""},
          {"next", next_text(plan, state)},
          {"frozen_until", thaw ? json::value(time_text(thaw->at)) : json::value()},
          {"freeze", freeze_json(run)},
          {"hooks", hooks_json(run)},
          {"plan", plan_json(plan)},
          {"history", std::move(history)}};
}

json::object kept_json(const Run& run) {
  json::array history;
  for (const RolloutEntry& entry : run.history) {
    json::object one = entry_json(run, entry);
    one["at_us"] = std::chrono::duration_cast<std::chrono::microseconds>(entry.at.time_since_epoch()).count();
    one["share_millionths"] = static_cast<uint32_t>(entry.transition.share);
    history.push_back(std::move(one));
  }
  return {{"service", run.plan.service},
          {"plan", json::serialize(plan_json(run.plan))},
          {"slow_ns", run.slow.count()},
          {"revision", run.revision},
          {"history", std::move(history)},
          {"transitions", json::value_from(run.transitions)},
          {"state", rollout::state_json(run.state)}};
}

namespace {

std::deque<RolloutEntry> history_of(const json::array& kept) {
  std::deque<RolloutEntry> history;
  for (const json::value& one : kept) {
    const auto at = std::chrono::microseconds(one.at("at_us").to_number<int64_t>());
    history.push_back(
        {std::chrono::system_clock::time_point(at),
         {std::string(one.at("what").as_string()), one.at("stage").to_number<uint64_t>() - 1,
          config::Share{one.at("share_millionths").to_number<uint32_t>()}, std::string(one.at("why").as_string())},
         std::string(one.at("actor").as_string())});
  }
  return history;
}

}  // namespace

bool read_kept(const json::value& kept, Run& run, bool& same_plan) {
  try {  // a record of which a part makes no sense is none: all is read before any of it is taken
    auto state = rollout::state_of(kept.at("state"), run.plan);
    if (!state) return false;
    const bool same = kept.at("plan").as_string() == json::serialize(plan_json(run.plan));
    const std::chrono::nanoseconds slow(kept.at("slow_ns").to_number<int64_t>());
    const uint64_t revision = kept.at("revision").to_number<uint64_t>();
    auto transitions = json::value_to<std::map<std::string, uint64_t>>(kept.at("transitions"));
    auto history = history_of(kept.at("history").as_array());
    run.state = std::move(*state);
    run.slow = slow;
    run.revision = revision;
    run.transitions = std::move(transitions);
    run.history = std::move(history);
    same_plan = same;
    return true;
  } catch (const std::exception&) {  // Boost.JSON's way to say that something is missing or is of another kind
    return false;
  }
}

}  // namespace weir::control
