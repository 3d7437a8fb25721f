// What of the rollouts outlives the process: how they are kept, and how they go on in the next one.
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>

#include "proxy/control/rollout_hooks.h"
#include "proxy/control/rollout_json.h"
#include "proxy/control/rollouts.h"

namespace weir::control {

namespace json = boost::json;
namespace rollout = routing::rollout;
using rollout::Phase;
using std::chrono::steady_clock;

namespace {

/// Is its share one that the rollout gives, and not only what it came to in the end?
bool may_be_published(Phase phase) { return rollout::is_live(phase) || phase == Phase::aborted; }

}  // namespace

config::Problems Rollouts::begin(const std::optional<config::State>& state, std::vector<std::string> records) {
  if (state) {
    auto found = Journal::open(state->directory + "/rollouts");
    // On a disk that cannot be written there may be none; serving comes first.
    const bool can_write = ::access(state->directory.c_str(), W_OK) == 0;
    if (!found && can_write) return found.problems();
    if (found) {
      journal_ = std::move(found->journal);
      records = std::move(found->records);
      for (const std::string& told : found->told) spdlog::warn("{}", told);
    } else {
      spdlog::error("the rollouts' evidence is not kept: {}", found.problems().front().what);
    }
  }
  adopt_plans();
  read(records);
  go_on();
  return {};
}

void Rollouts::stop() {
  pause();
  hooks_->stop();
}

void Rollouts::pause() {
  paused_ = true;
  timer_.cancel();
  bell_rope_.cancel();
  save();
}

std::vector<std::string> Rollouts::hand_over() {
  pause();  // whoever is being called by a hook is told to the end
  const auto& state = parts_.publisher.current()->config().state;
  if (journal_ && state) handed_over_ = state->directory + "/rollouts";
  journal_.reset();
  return records();
}

void Rollouts::go_on() {
  paused_ = false;
  looked_ = steady_clock::now();
  listen();
  look_later();
}

/// A process that was killed has its locks until the kernel has ended it.
void Rollouts::open_again() {
  auto found = Journal::open(handed_over_);
  if (!found) return;
  journal_ = std::move(found->journal);
  handed_over_.clear();
}

/// What was kept of services that still have a plan. A candidate that was closed meanwhile stays so.
void Rollouts::read(const std::vector<std::string>& records) {
  for (const std::string& record : records) {
    boost::system::error_code error;
    const json::value kept = json::parse(record, error);
    const json::object* const object = kept.if_object();
    const json::value* const name = object ? object->if_contains("service") : nullptr;
    const auto found = name && name->is_string() ? runs_.find(std::string(name->get_string())) : runs_.end();
    if (found == runs_.end()) continue;
    bool same_plan = false;
    if (!read_kept(kept, found->second, same_plan)) {
      spdlog::warn("{}: what was kept of its rollout is of another plan; it begins anew", found->first);
      continue;
    }
    if (!same_plan) follow(found->second, rollout::plan_was_changed(found->second.plan, found->second.state), kItself);
    resume(found->second);
  }
}

/// The process may have ended between a step and what it published, or between a rollback, which is published first,
/// and its step.
void Rollouts::resume(Run& run) {
  const Remembered& split = *parts_.store.splits().find(run.plan.service);
  const Change* const last = parts_.store.splits().last(run.plan.service);
  const bool by_step = last && last->author.by == "rollout" && last->revision == run.revision + 1;
  if (run.state.phase == Phase::rolling_back) {
    Step step;
    step.share = config::kNobody;
    step.close = true;
    return publish(run, step, run.state.why, kItself);
  }
  const bool unpublished =
      split.revision == run.revision && share_of(split.shares, run.plan.candidate) != run.state.share;
  if (unpublished && may_be_published(run.state.phase)) {
    Step step;
    step.share = run.state.share;
    publish(run, step, run.state.phase == Phase::aborted ? run.state.why : "as before the restart", kItself);
    save();
  }
  if (!rollout::is_live(run.state.phase)) return;
  spdlog::info("{}: its rollout goes on at {}, {}", run.plan.service, config::share_text(run.state.share),
               rollout::phase_name(run.state.phase));
  if (unpublished) return;
  if (by_step && !split.closed.contains(run.plan.candidate)) run.revision = last->revision;
  notice_others(run);
  if (rollout::is_live(run.state.phase)) renew_tally(run);
  parts_.publisher.publish_splits();
}

void Rollouts::save() {
  const bool any = std::ranges::any_of(runs_, [](const auto& entry) { return entry.second.unsaved; });
  if (!journal_ || !any) return;
  for (auto& [service, run] : runs_) run.unsaved = false;
  if (!journal_->rewrite(records())) spdlog::error("the rollouts' evidence is not kept: {}", journal_->error());
}

std::vector<std::string> Rollouts::records() const {
  std::vector<std::string> records;
  for (const auto& [service, run] : runs_) {
    if (run.state.phase != Phase::draft) records.push_back(json::serialize(kept_json(run)));
  }
  return records;
}

}  // namespace weir::control
