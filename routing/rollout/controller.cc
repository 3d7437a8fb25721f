#include "routing/rollout/controller.h"

#include <fmt/format.h>

#include <algorithm>

#include "routing/rollout/verdict.h"

namespace weir::routing::rollout {

namespace {

/// How long after a request went elsewhere no event enters: its neighbours may have gone too.
constexpr milliseconds kDiversion{1'000};
/// Networks that are told apart, of those that erred.
constexpr size_t kNetworks = 65'536;

uint32_t millionths(config::Share share) { return static_cast<uint32_t>(share); }

void tell(Step& step, const State& state, std::string what, std::string why = {}) {
  step.transitions.push_back({std::move(what), state.stage, state.share, std::move(why)});
}

Step refuse(std::string why) {
  Step step;
  step.refused = std::move(why);
  return step;
}

/// Evidence of the stage that begins is its own; what a comparison has learnt so far is kept.
void forget_stage(State& state) {
  state.in_stage = state.since_step = milliseconds{0};
  state.looks = 0;
  state.users_at_look = 0;
  state.at_look = milliseconds{0};
  for (UserFilter& filter : state.seen) filter.clear();
  state.here = {};
  state.fresh = state.told = {};
  for (MetricEvidence& evidence : state.evidence) {
    evidence.safety = SafetyEvidence();
    for (UserFilter& filter : evidence.erred_here) filter.clear();
    evidence.exposed = false;
  }
}

void forget_all(const Plan& plan, State& state) {
  forget_stage(state);
  for (MetricEvidence& evidence : state.evidence) {
    evidence = MetricEvidence();
    evidence.harm = HarmEvidence(plan.stages.size());
    evidence.harm.begin_stage(state.stage);
  }
  state.stable_worse = state.candidate_worse = GrowthDetector();
  state.streak = 0;
  state.acknowledged = false;
}

/// The share for this stage, or as far towards it as one step may go.
config::Share next_share(const Plan& plan, const State& state) {
  const uint32_t goal = millionths(plan.stages[state.stage].share);
  if (!plan.max_step || millionths(state.share) >= goal) return config::Share{goal};
  return config::Share{std::min(goal, millionths(state.share) + millionths(*plan.max_step))};
}

bool at_share(const Plan& plan, const State& state) { return state.share == plan.stages[state.stage].share; }

void set_share(const Plan& plan, State& state, Step& step) {
  state.share = next_share(plan, state);
  state.since_step = milliseconds{0};
  // Who was seen by another share says nothing of this one.
  for (UserFilter& filter : state.seen) filter.clear();
  for (MetricEvidence& evidence : state.evidence) {
    for (UserFilter& filter : evidence.erred_here) filter.clear();
  }
  step.share = state.share;
  const bool everybody = at_share(plan, state) && state.share == config::kEverybody;
  state.phase = everybody ? Phase::soaking : Phase::holding;
  state.why = everybody ? "everybody is on the candidate" : "";
}

void enter_stage(const Plan& plan, State& state, size_t stage, Step& step, std::string why) {
  const auto stable = GrowthDetector::armed(state.fresh[kStable], state.here[kStable].requests);
  forget_stage(state);
  state.stage = stage;
  for (MetricEvidence& evidence : state.evidence) evidence.harm.begin_stage(stage);
  state.stable_worse = stable;
  set_share(plan, state, step);
  if (state.phase == Phase::soaking) state.candidate_worse = stable;
  tell(step, state, state.phase == Phase::soaking ? "soak" : "stage", std::move(why));
}

void finish(State& state, Step& step, std::string why) {
  state.phase = Phase::done;
  state.why = why;
  tell(step, state, "done", std::move(why));
}

void advance(const Plan& plan, State& state, Step& step, const std::string& why) {
  if (state.stage + 1 == plan.stages.size()) return finish(state, step, why);
  enter_stage(plan, state, state.stage + 1, step, why);
}

void move_to(State& state, Phase phase, const std::string& what, std::string why, Step& step) {
  state.phase = phase;
  state.why = why;
  tell(step, state, what, std::move(why));
}

void pause_for(State& state, const std::string& what, const std::string& why, Step& step) {
  if (state.phase != Phase::paused) state.paused_in = state.phase;
  move_to(state, Phase::paused, what, why, step);
}

void roll_back(State& state, const std::string& why, Step& step) {
  state.share = config::kNobody;
  step.share = state.share;
  step.close = true;
  move_to(state, Phase::rolling_back, "rollback", why, step);
}

void step_back(const Plan& plan, State& state, const std::string& why, Step& step) {
  state.stage -= 1;
  state.share = plan.stages[state.stage].share;
  forget_all(plan, state);
  step.share = state.share;
  state.phase = Phase::holding;
  pause_for(state, "step_back", why, step);
}

void fail(const Plan& plan, State& state, const Verdict& verdict, Step& step) {
  const bool paused = state.phase == Phase::paused;
  if (verdict.harm != Harm::fails) {
    if (!paused && !state.acknowledged) pause_for(state, "pause", verdict.why, step);
    return;
  }
  const bool stays = past_no_return(plan, state) || plan.if_failing == config::IfFailing::pause;
  if (stays) {
    if (!paused && !state.acknowledged) pause_for(state, "fail", verdict.why, step);
    return;
  }
  if (plan.if_failing == config::IfFailing::step_back && state.stage > 0) {
    if (!paused) step_back(plan, state, verdict.why, step);
    return;
  }
  roll_back(state, verdict.why, step);
}

void take_in(State& state, const Observation& seen, milliseconds passed) {
  state.diverted_for = seen.diverted ? kDiversion : std::max(milliseconds{0}, state.diverted_for - passed);
  state.since_step += passed;
  for (const Side side : {kStable, kCandidate}) {
    state.here[side].requests += seen.since_last[side].requests;
    state.here[side].failed += seen.since_last[side].failed;
    state.here[side].over_p99 += seen.since_last[side].over_p99;
  }
  const auto grown = [&](Side side) { return state.fresh[side] - std::exchange(state.told[side], state.fresh[side]); };
  if (state.phase == Phase::soaking) {
    state.candidate_worse.add(grown(kCandidate), seen.since_last[kCandidate].requests);
  } else {
    state.stable_worse.add(grown(kStable), seen.since_last[kStable].requests);
  }
}

/// What keeps a stage whose time is over from going on, in words; nothing: it has passed.
std::optional<std::string> undecided(const Plan& plan, State& state) {
  if (state.seen[kCandidate].size() == 0) return "waits for traffic: no user was on the candidate in this stage";
  if (state.seen[kCandidate].size() < plan.min_users) return "waits for more users";
  if (split_mismatches(state)) return "the users seen are not split as asked: who is missing?";
  if (feedback_holds(plan, state)) return "users rate the candidate worse";
  if (plan.stages[state.stage].proof_required && !passes(plan, state))
    return "no harm is shown, nor that there is none";
  return std::nullopt;
}

void await(State& state, std::string why, Step& step) {
  move_to(state, Phase::awaiting_approval, "await", std::move(why), step);
}

/// The stage has passed, and the next one has to wait.
void wait_for_thaw(State& state, const std::string& frozen_until, Step& step) {
  std::string why = "the stage has passed; nothing climbs until " + frozen_until;
  if (state.phase == Phase::holding) return move_to(state, Phase::judging, "freeze", std::move(why), step);
  state.why = std::move(why);
}

void climb(const Plan& plan, State& state, const Observation& seen, milliseconds passed, Step& step) {
  const bool frozen = !seen.frozen_until.empty();
  if (!at_share(plan, state)) {
    if (frozen || state.since_step < plan.warmup) return;
    set_share(plan, state, step);
    if (state.phase == Phase::soaking) state.candidate_worse = state.stable_worse;
    return tell(step, state, state.phase == Phase::soaking ? "soak" : "step");
  }
  state.in_stage += passed;
  const Stage& stage = plan.stages[state.stage];
  if (state.phase == Phase::awaiting_approval || state.in_stage < stage.hold) return;
  if (auto why = undecided(plan, state)) {
    const bool enough = state.seen[kCandidate].size() >= plan.min_users;
    if (enough && plan.if_undecided == config::IfUndecided::approve) return await(state, "undecided: " + *why, step);
    if (state.phase == Phase::holding) {
      const std::string missing = forecast(plan, state).text;
      move_to(state, Phase::judging, "judge", missing.empty() ? *why : *why + ": " + missing, step);
    }
    state.why = std::move(*why);
    return;
  }
  if (stage.approve) return await(state, "the stage has passed; `approve` it", step);
  if (frozen && state.stage + 1 < plan.stages.size()) return wait_for_thaw(state, seen.frozen_until, step);
  advance(plan, state, step,
          fmt::format("{} users, {} first errors on the candidate, {} on the stable version",
                      state.seen[kCandidate].size(), state.fresh[kCandidate], state.fresh[kStable]));
}

bool counts_for_network(const Plan& plan, MetricEvidence& evidence, uint32_t network) {
  if (plan.per_network == 0) return true;
  if (evidence.by_network.size() >= kNetworks && !evidence.by_network.contains(network)) return false;
  uint32_t& users = evidence.by_network[network];
  if (users >= plan.per_network) return false;
  ++users;
  return true;
}

void note_streak(State& state, const BadEvent& event) {
  if (event.metric != Metric::errors || !event.candidate) return;
  if (event.good != std::exchange(state.good_before_streak, event.good)) state.streak = 0;
  ++state.streak;
}

}  // namespace

bool past_no_return(const Plan& plan, const State& state) {
  const auto begin = plan.stages.begin();
  return std::any_of(begin, begin + static_cast<std::ptrdiff_t>(std::min(state.stage + 1, plan.stages.size())),
                     [](const Stage& stage) { return stage.no_return; });
}

void note(const Plan& plan, State& state, const BadEvent& event) {
  if (!is_live(state.phase) || state.diverted_for.count() > 0) return;
  if (event.metric == Metric::slow && state.since_step < plan.warmup) return;
  MetricEvidence& evidence = state.evidence[static_cast<size_t>(event.metric)];
  const Side side = event.candidate ? kCandidate : kStable;
  const double rho = fraction(event.share);
  if (rho <= 0 || !counts_for_network(plan, evidence, event.network)) return;
  if (event.share == state.share) state.seen[side].insert(event.user);
  evidence.erred_here[side].insert(event.user);
  if (!evidence.erred.insert(event.user)) return;
  ++evidence.first[side];
  if (event.metric == Metric::errors) ++state.fresh[side];
  note_streak(state, event);
  evidence.harm.add(event.candidate, rho);
  evidence.safety.add(event.candidate, rho, plan.margin);
}

Step judge(const Plan& plan, State& state, const Observation& seen, milliseconds passed) {
  Step step;
  if (!is_live(state.phase)) return step;
  take_in(state, seen, passed);
  if (const auto verdict = find_harm(plan, state, seen.candidate_alive)) {
    fail(plan, state, *verdict, step);
    if (verdict->harm == Harm::fails || !step.transitions.empty()) return step;
  }
  if (state.phase == Phase::paused) return step;
  if (state.phase != Phase::soaking) {
    climb(plan, state, seen, passed, step);
  } else if ((state.in_stage += passed) >= plan.soak) {
    finish(state, step, "soaked");
  }
  return step;
}

void divert(State& state) { state.diverted_for = kDiversion; }

Step start(const Plan& plan, State& state, config::Share now) {
  if (is_live(state.phase) || state.phase == Phase::rolling_back) return refuse("it runs already");
  if (plan.stages.back().share < now) return refuse("the candidate has more than the last stage would give it");
  state = State();
  while (plan.stages[state.stage].share < now) ++state.stage;
  state.share = now;
  Step step;
  forget_all(plan, state);
  set_share(plan, state, step);
  tell(step, state, "start");
  return step;
}

Step pause(const Plan&, State& state, const std::string& why) {
  if (!is_live(state.phase)) return refuse(fmt::format("it is {}: there is nothing to pause", phase_name(state.phase)));
  Step step;
  if (state.phase != Phase::paused) pause_for(state, "pause", why, step);
  return step;
}

Step resume(const Plan&, State& state) {
  if (state.phase != Phase::paused) return refuse(fmt::format("it is {}, not paused", phase_name(state.phase)));
  Step step;
  state.acknowledged = true;
  state.stable_worse = GrowthDetector();
  move_to(state, state.paused_in, "resume", "", step);
  return step;
}

Step approve(const Plan& plan, State& state) {
  if (state.phase != Phase::awaiting_approval) {
    return refuse(fmt::format("it is {}, not awaiting approval", phase_name(state.phase)));
  }
  Step step;
  advance(plan, state, step, "approved");
  return step;
}

Step skip(const Plan& plan, State& state) {
  if (!is_live(state.phase)) return refuse(fmt::format("it is {}: there is nothing to skip", phase_name(state.phase)));
  Step step;
  if (state.phase == Phase::soaking) {
    finish(state, step, "the soak was skipped");
  } else {
    advance(plan, state, step, "skipped");
  }
  return step;
}

bool would_climb(const Plan& plan, const State& state, std::string_view command) {
  if (command == "start") return !is_live(state.phase);
  const bool onwards = command == "skip" || command == "approve";
  return onwards && is_live(state.phase) && state.phase != Phase::soaking && state.stage + 1 < plan.stages.size();
}

Step abort(const Plan&, State& state, const std::string& why) {
  if (!is_live(state.phase)) return refuse(fmt::format("it is {}: there is nothing to abort", phase_name(state.phase)));
  Step step;
  state.share = config::kNobody;
  step.share = state.share;
  move_to(state, Phase::aborted, "abort", why, step);
  return step;
}

void was_rolled_back(State& state, const std::string& why) {
  if (state.phase != Phase::rolling_back) state.why = why;
  state.phase = Phase::rolled_back;
  state.share = config::kNobody;
}

Step share_was_changed(const Plan& plan, State& state, config::Share share, const std::string& why) {
  Step step;
  if (!is_live(state.phase)) return step;
  size_t stage = 0;
  while (stage + 1 < plan.stages.size() && plan.stages[stage + 1].share <= share) ++stage;
  state.stage = stage;
  state.share = share;
  forget_all(plan, state);
  state.phase = Phase::holding;
  pause_for(state, "pause", why + ": the evidence begins anew", step);
  return step;
}

Step plan_was_changed(const Plan& plan, State& state) {
  return share_was_changed(plan, state, state.share, "the plan was changed");
}

}  // namespace weir::routing::rollout
