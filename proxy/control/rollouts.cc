#include "proxy/control/rollouts.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>

#include "proxy/control/rollout_hooks.h"
#include "proxy/control/rollout_json.h"
#include "routing/rollout/controller.h"
#include "routing/rollout/verdict.h"

namespace weir::control {

namespace json = boost::json;
namespace rollout = routing::rollout;
using rollout::Phase;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

namespace {

constexpr size_t kHistory = 100;         // steps that are remembered of a rollout
constexpr uint64_t kEnoughForP99 = 100;  // answers of the stable version
constexpr milliseconds kSlowAllowance{50};

/// Compiling has seen to it that the zones are known.
std::vector<rollout::Freeze> freezes_of(const config::Rollout& rollout) {
  std::vector<rollout::Freeze> freezes;
  for (const config::FreezeWindow& window : rollout.guards.freeze) {
    if (auto freeze = rollout::Freeze::of(window)) freezes.push_back(std::move(*freeze));
  }
  return freezes;
}

Author as_author(const std::string& name) { return {name, "", "rollout"}; }

}  // namespace

Rollouts::Rollouts(RolloutsParts parts)
    : parts_(parts),
      timer_(parts.io),
      bell_(std::make_shared<evidence::Bell>()),
      bell_rope_(parts.io, ::dup(bell_->descriptor())),
      hooks_(std::make_unique<RolloutHooks>(parts.io)) {}

Rollouts::~Rollouts() = default;

const config::Service* Rollouts::find(const std::string& service) const {
  const auto& services = parts_.publisher.current()->config().services;
  const auto found = std::ranges::find(services, service, &config::Service::name);
  return found == services.end() ? nullptr : &*found;
}

/// Plans of the configuration in force. One that changed under way begins its evidence anew.
void Rollouts::adopt_plans() {
  const config::Config& config = parts_.publisher.current()->config();
  if (std::exchange(plans_of_, config.hash) == config.hash) return;
  std::erase_if(runs_, [&](auto& entry) {
    const config::Service* const service = find(entry.first);
    const bool gone = !service || !service->rollout;
    if (gone && rollout::is_live(entry.second.state.phase)) {
      spdlog::warn("{}: its rollout is gone from the file and ends; its share stays as it is", entry.first);
    }
    if (gone) parts_.publisher.set_rollout(entry.first, nullptr);
    return gone;
  });
  for (const config::Service& service : config.services) {
    if (!service.rollout) continue;
    Run& run = runs_[service.name];
    run.hooks = service.rollout->hooks;
    run.freezes = freezes_of(*service.rollout);
    rollout::Plan plan = rollout::plan_of(service);
    if (plan == run.plan) continue;
    const bool candidate_changed = run.plan.candidate != plan.candidate;
    run.plan = std::move(plan);
    if (!rollout::is_live(run.state.phase)) continue;
    if (candidate_changed) {
      run.state = rollout::State();
      spdlog::warn("{}: its rollout had another candidate and ends", service.name);
      parts_.publisher.set_rollout(service.name, nullptr);
    } else {
      follow(run, rollout::plan_was_changed(run.plan, run.state), kItself);
    }
  }
}

void Rollouts::look_later() {
  timer_.expires_after(kBetweenLooks);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || paused_) return;  // what has expired cannot be cancelled any more
    look_at_all();
    look_later();
  });
}

void Rollouts::look_at_all() {
  const auto now = steady_clock::now();
  const auto passed = std::chrono::duration_cast<milliseconds>(now - looked_);
  looked_ += passed;
  ++looks_;
  if (!handed_over_.empty()) open_again();
  adopt_plans();
  for (auto& [service, run] : runs_) {
    if (!rollout::is_live(run.state.phase)) continue;
    notice_others(run);
    look(run, passed, looks_ % kLooksBetweenUsers == 0);
    run.unsaved = true;
  }
  if (looks_ % kLooksBetweenSaves == 0) save();
}

/// A worker rang: something bad happened, and is judged at once.
void Rollouts::listen() {
  bell_rope_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                        [this](const boost::system::error_code& error) {
                          if (error || paused_) return;
                          bell_->heard();
                          adopt_plans();
                          for (auto& [service, run] : runs_) look(run, milliseconds{0}, false);
                          listen();
                        });
}

std::vector<std::chrono::nanoseconds> Rollouts::take_events(Run& run) {
  std::vector<std::chrono::nanoseconds> counted;
  const auto take = [&](const evidence::CountedEvent& one) {
    rollout::note(run.plan, run.state, one.event);
    counted.push_back(one.at);
  };
  for (const auto& tally : run.before) tally->drain(take);
  std::erase_if(run.before, [](const auto& tally) { return tally.use_count() == 1; });
  run.tally->drain(take);
  return counted;
}

void Rollouts::look(Run& run, milliseconds passed, bool at_users) {
  if (!rollout::is_live(run.state.phase) || !run.tally) return;
  rollout::Observation seen;
  const uint64_t diverted = run.tally->diverted();
  seen.diverted = std::exchange(run.diverted, diverted) != diverted;
  if (seen.diverted) rollout::divert(run.state);
  const auto counted = take_events(run);
  for (const auto side : {rollout::kStable, rollout::kCandidate}) {
    const rollout::Count count = run.tally->count(side);
    const rollout::Count before = std::exchange(run.counted[side], count);
    seen.since_last[side] = {count.requests - before.requests, count.failed - before.failed,
                             count.over_p99 - before.over_p99};
    if (at_users) run.tally->unite(side, run.state.seen[side]);
  }
  const auto& current = *parts_.publisher.current();
  const auto index = current.snapshot->service_index(run.plan.service);
  if (index) {
    const uint32_t candidate = current.snapshot->services[*index].candidate;
    seen.candidate_alive = current.services[*index].versions[candidate].health->available();
  }
  if (const auto thaw = rollout::frozen_until(run.freezes, system_clock::now())) seen.frozen_until = thaw->text;
  const Step step = rollout::judge(run.plan, run.state, seen, passed);
  const auto now = steady_clock::now().time_since_epoch();
  for (const std::chrono::nanoseconds at : counted) run.judged_after.record(now - at);
  follow(run, step, kItself);
  const bool judges_slow = run.plan.judged[static_cast<size_t>(rollout::Metric::slow)];
  if (at_users && judges_slow && run.slow.count() == 0 && rollout::is_live(run.state.phase)) find_slow_mark(run);
}

/// Somebody else may have changed the share, or rolled back.
void Rollouts::notice_others(Run& run) {
  const Remembered& split = *parts_.store.splits().find(run.plan.service);
  if (split.revision == run.revision || !rollout::is_live(run.state.phase)) return;
  run.revision = split.revision;
  const Change* const last = parts_.store.splits().last(run.plan.service);
  const std::string who = last ? last->author.name : "somebody";
  if (split.closed.contains(run.plan.candidate)) {
    const bool by_itself = last && last->author.by == "rollout";  // and died before it kept that
    rollout::was_rolled_back(run.state, by_itself ? last->reason : "rolled back by " + who);
    parts_.publisher.set_rollout(run.plan.service, nullptr);
    tell_step(run, {"rollback", run.state.stage, run.state.share, run.state.why}, who);
    return save();
  }
  const config::Share share = share_of(split.shares, run.plan.candidate);
  if (share != run.state.share) {
    follow(run, rollout::share_was_changed(run.plan, run.state, share, "the share was changed by " + who), who);
    renew_tally(run);
    parts_.publisher.publish_splits();
  }
}

/// What was judged becomes so: kept first, then published; a rollback is published first.
void Rollouts::follow(Run& run, const Step& step, const std::string& author) {
  for (const rollout::Transition& transition : step.transitions) tell_step(run, transition, author);
  const std::string why = step.transitions.empty() ? "" : step.transitions.back().why;
  if (step.share && !step.close) save();
  if (step.share) publish(run, step, why, author);
  if (!rollout::is_live(run.state.phase)) parts_.publisher.set_rollout(run.plan.service, nullptr);
  if (!step.transitions.empty()) save();
}

void Rollouts::publish(Run& run, const Step& step, const std::string& why, const std::string& author) {
  const config::Service& service = *find(run.plan.service);
  Judgement judged;
  if (step.close) {
    judged = parts_.store.splits().rollback(
        service, {.service = service.name, .reason = why, .author = as_author(author)}, system_clock::now());
  } else {
    const std::string what =
        run.state.phase == Phase::aborted ? "aborted" : fmt::format("stage {}", run.state.stage + 1);
    const SplitWish wish{.service = service.name,
                         .shares = {{run.plan.candidate, *step.share}},
                         .reason = why.empty() ? what : why,
                         .author = as_author(author)};
    judged = parts_.store.splits().set(service, wish, system_clock::now());
  }
  if (rollout::is_live(run.state.phase)) {
    run.slow = slow_mark(run.plan);
    renew_tally(run);
  } else {
    parts_.publisher.set_rollout(service.name, nullptr);
  }
  if (judged.refusal != Refusal::none) {
    spdlog::error("{}: the rollout cannot have its share: {}", service.name, judged.detail);
    run.state.share = share_of(parts_.store.splits().find(service.name)->shares, run.plan.candidate);
    run.state.phase = Phase::aborted;
    run.state.why = judged.detail;
    return;
  }
  if (judged.step) {
    const bool kept = parts_.store.force({*judged.step}, [&] {
      parts_.publisher.publish_splits();
      if (step.close) parts_.wake_sessions();
    });
    if (!kept && parts_.store.remembers()) spdlog::critical("{}: {}", service.name, parts_.store.error());
    tell_change(*judged.step->change, parts_.feed);
  } else {
    parts_.publisher.publish_splits();
  }
  run.revision = parts_.store.splits().find(service.name)->revision;
  run.unsaved = true;
  if (step.close) rollout::was_rolled_back(run.state, why);
}

/// From the next publication on the workers count anew, under the share that is in force then.
void Rollouts::renew_tally(Run& run) {
  if (run.tally) run.before.push_back(std::move(run.tally));
  evidence::Terms terms{.share = run.state.share};
  if (run.plan.judged[static_cast<size_t>(rollout::Metric::slow)]) terms.slow = run.slow;
  if (run.plan.p99) terms.p99_limit = *run.plan.p99;
  run.tally = std::make_shared<evidence::Tally>(parts_.publisher.workers(), terms, bell_);
  run.counted = {};
  run.diverted = 0;
  parts_.publisher.set_rollout(run.plan.service, run.tally);
}

/// The stable version's p99 so far, and an allowance; 0 while it has not answered enough. Without the allowance a
/// breath of the machine would be everybody's first slow answer, and none would be left to tell of a hang.
std::chrono::nanoseconds Rollouts::slow_mark(const rollout::Plan& plan) const {
  metrics::HistogramSnapshot answers;
  for (const auto& series : parts_.registry.versions()) {
    if (series->name() != metrics::VersionName{plan.service, plan.stable}) continue;
    for (const metrics::VersionNumbers& shard : series->shards()) answers.add(shard.upstream_duration);
  }
  return answers.count() < kEnoughForP99 ? std::chrono::nanoseconds{0} : answers.quantile(0.99) + kSlowAllowance;
}

/// Where there was no mark as the stage began, slowness is judged from here on.
void Rollouts::find_slow_mark(Run& run) {
  run.slow = slow_mark(run.plan);
  if (run.slow.count() == 0) return;
  renew_tally(run);
  parts_.publisher.publish_splits();
}

void Rollouts::tell_step(Run& run, const rollout::Transition& transition, const std::string& author) {
  run.history.push_back({system_clock::now(), transition, author});
  if (run.history.size() > kHistory) run.history.pop_front();
  ++run.transitions[transition.what];
  run.unsaved = true;
  spdlog::info("{}: rollout: {} at {}{}", run.plan.service, transition.what, config::share_text(transition.share),
               transition.why.empty() ? "" : ": " + transition.why);
  parts_.feed.tell({"rollout", json::serialize(entry_json(run, run.history.back()))});
  hooks_->tell(run, run.history.back());
}

std::optional<std::string> Rollouts::shown(const std::string& service) const {
  const auto found = runs_.find(service);
  if (found == runs_.end()) return std::nullopt;
  return json::serialize(rollout_json(found->second)) + "\n";
}

void Rollouts::fill(metrics::Facts& facts) const {
  facts.rollout_states.assign(rollout::kPhaseNames.begin(), rollout::kPhaseNames.end());
  for (const auto& [service, run] : runs_) {
    metrics::Facts::Rollout told{.service = service, .state = rollout::phase_name(run.state.phase)};
    const bool begun = run.state.phase != Phase::draft;
    if (begun) told.stage = static_cast<double>(run.state.stage + 1);
    for (size_t i = 0; begun && i < rollout::kMetrics; ++i) {
      if (!run.plan.judged[i]) continue;
      const rollout::MetricEvidence& evidence = run.state.evidence[i];
      told.evidence.push_back({rollout::kMetricNames[i], "harm", rollout::e_value(evidence.harm.log_e())});
      told.evidence.push_back({rollout::kMetricNames[i], "safety", rollout::e_value(evidence.safety.log_e())});
    }
    told.judged_after.add(run.judged_after);
    told.transitions.assign(run.transitions.begin(), run.transitions.end());
    facts.rollouts.push_back(std::move(told));
  }
  hooks_->fill(facts);
}

void Rollouts::note_rating(const std::string& service, const evidence::BadEvent& event) {
  const auto found = runs_.find(service);
  const auto feedback = static_cast<size_t>(rollout::Metric::feedback);
  if (found == runs_.end() || !found->second.plan.judged[feedback]) return;
  rollout::note(found->second.plan, found->second.state, event);
  found->second.unsaved = true;
}

bool Rollouts::past_no_return(const std::string& service) const {
  const auto found = runs_.find(service);
  return found != runs_.end() && rollout::is_live(found->second.state.phase) &&
         rollout::past_no_return(found->second.plan, found->second.state);
}

RolloutOutcome Rollouts::tell(const RolloutWish& wish) {
  adopt_plans();
  const auto found = runs_.find(wish.service);
  if (found == runs_.end()) {
    return {find(wish.service) ? Refusal::not_now : Refusal::unknown_service,
            wish.service + " has no rollout in its configuration", ""};
  }
  Run& run = found->second;
  notice_others(run);
  const Remembered& split = *parts_.store.splits().find(wish.service);
  if (wish.stage && *wish.stage != run.state.stage + 1) {
    return {Refusal::stale,
            fmt::format("somebody was first: the rollout of {} is at stage {} now, {}", wish.service,
                        run.state.stage + 1, rollout::phase_name(run.state.phase)),
            ""};
  }
  const auto thaw = rollout::frozen_until(run.freezes, system_clock::now());
  if (thaw && rollout::would_climb(run.plan, run.state, wish.command)) {
    return {Refusal::not_now, fmt::format("{}: nothing climbs until {} (guards.freeze)", wish.service, thaw->text), ""};
  }
  Step step;
  if (wish.command == "start") {
    if (split.closed.contains(run.plan.candidate)) {
      return {Refusal::closed,
              fmt::format("{} of {} is closed, it was rolled back; `weir reopen {}` opens it", run.plan.candidate,
                          wish.service, wish.service),
              ""};
    }
    step = rollout::start(run.plan, run.state, share_of(split.shares, run.plan.candidate));
    if (!step.refused) {
      run.tally.reset();
      run.revision = split.revision;
    }
  } else if (wish.command == "pause") {
    step = rollout::pause(run.plan, run.state, wish.reason);
  } else if (wish.command == "resume") {
    step = rollout::resume(run.plan, run.state);
  } else if (wish.command == "approve") {
    step = rollout::approve(run.plan, run.state);
  } else if (wish.command == "skip") {
    step = rollout::skip(run.plan, run.state);
  } else {
    step = rollout::abort(run.plan, run.state, wish.reason);
  }
  if (step.refused) return {Refusal::not_now, "the rollout of " + wish.service + ": " + *step.refused, ""};
  if (!step.transitions.empty() && !wish.reason.empty() && step.transitions.back().why.empty()) {
    step.transitions.back().why = wish.reason;
  }
  follow(run, step, wish.author.name);
  return {Refusal::none, "", *shown(wish.service)};
}

}  // namespace weir::control
