#include "routing/rollout/plan.h"

#include <algorithm>

namespace weir::routing::rollout {

namespace {

/// From here on a stage is asked for proof of safety; below, it would take too many users.
constexpr config::Share kProofFrom{50'000};

Stage stage_of(const config::Rollout& rollout, const config::RolloutStage& written) {
  Stage stage;
  stage.share = written.share;
  stage.hold = written.hold.value_or(rollout.hold);
  stage.approve = written.approve;
  stage.proof_required = written.proof ? *written.proof == config::Proof::required : written.share >= kProofFrom;
  stage.no_return = written.no_return;
  return stage;
}

}  // namespace

double fraction(config::Share share) { return static_cast<double>(static_cast<uint32_t>(share)) / 1e6; }

size_t Plan::metrics() const { return static_cast<size_t>(std::ranges::count(judged, true)); }

double Plan::fail_at() const { return static_cast<double>(metrics()) / fail; }

Plan plan_of(const config::Service& service) {
  const config::Rollout& rollout = *service.rollout;
  Plan plan;
  plan.service = service.name;
  plan.stable = service.versions[service.stable_index()].name;
  plan.candidate = service.versions[*service.candidate_index()].name;
  for (const config::RolloutStage& stage : rollout.stages) plan.stages.push_back(stage_of(rollout, stage));
  plan.min_users = rollout.min_users;
  for (const config::JudgedMetric metric : rollout.judge.metrics) plan.judged[static_cast<size_t>(metric)] = true;
  plan.fail = rollout.judge.fail;
  plan.pass = rollout.judge.pass;
  plan.margin = rollout.judge.margin;
  plan.tolerance = fraction(rollout.judge.tolerance);
  if (rollout.judge.limits.error_ratio) plan.error_ratio = fraction(*rollout.judge.limits.error_ratio);
  plan.p99 = rollout.judge.limits.p99;
  plan.per_network = rollout.judge.per_network;
  plan.if_failing = rollout.if_failing;
  plan.if_undecided = rollout.if_undecided;
  plan.soak = rollout.soak;
  plan.warmup = rollout.warmup;
  plan.max_step = rollout.guards.max_step;
  return plan;
}

}  // namespace weir::routing::rollout
