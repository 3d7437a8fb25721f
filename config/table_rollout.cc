#include "config/forms.h"
#include "config/object.h"
#include "config/table.h"

namespace weir::config {

namespace {

Type<RolloutStage> full_stage() {
  return Object<RolloutStage>("stage", "one share on the way, and what it takes to leave it")
      .required("share", &RolloutStage::share, share(),
                "the candidate's share; each stage has more than the one before")
      .optional("hold", &RolloutStage::hold, duration(), "how long it lasts at least; absent: the rollout's")
      .defaulted("approve", &RolloutStage::approve, boolean(),
                 "whether somebody must say that it goes on: weir rollout approve")
      .optional(
          "proof", &RolloutStage::proof, words<Proof>({{"harm_only", Proof::harm_only}, {"required", Proof::required}}),
          "harm_only goes on when no harm is shown, required when safety is; absent: harm_only below 5%, required "
          "from there on")
      .defaulted(
          "no_return", &RolloutStage::no_return, boolean(),
          "whether there is no way back from here on (a schema was migrated): a failure pauses and rollback must "
          "be forced")
      .type();
}

/// `10%`, or with all there is to say.
Type<RolloutStage> stage() {
  const Type<Share> plain = share();
  Type<RolloutStage> alone{plain.shape, {}, {}};
  alone.read = [plain](const Node& node, RolloutStage& into, const Reading& reading) {
    into.where = node.where;
    plain.read(node, into.share, reading);
  };
  return either<RolloutStage>([](const Node& node) { return node.kind != Node::Kind::map; }, alone, full_stage());
}

Type<JudgeLimits> judge_limits() {
  return Object<JudgeLimits>("judge limits", "ceilings beside the comparison, held against the stable version too")
      .optional("error_ratio", &JudgeLimits::error_ratio, share(), "of the candidate's requests that may fail")
      .optional("p99", &JudgeLimits::p99, duration(),
                "what 99% of the candidate's requests must be faster than, from sent request to response head")
      .type();
}

Type<Judge> judge() {
  constexpr int64_t kMostPerNetwork = 1'000'000;
  return Object<Judge>("judge", "how the versions are compared: by who errs first")
      .optional("metrics", &Judge::metrics,
                list_of(words<JudgedMetric>({{"errors", JudgedMetric::errors},
                                             {"slow", JudgedMetric::slow},
                                             {"feedback", JudgedMetric::feedback}}),
                        1, "a metric"),
                "errors (5xx, and no answer), slow (slower than the stable version's p99 and 50 ms) and feedback (bad "
                "ratings, "
                "which hold a rollout and never roll it back); absent: errors and slow")
      .defaulted("fail", &Judge::fail, number(1e-6, 0.5),
                 "how often a candidate that is no worse may be rolled back, however often one looks")
      .defaulted("pass", &Judge::pass, number(1e-6, 0.5), "how often one that is margin times worse may be let on")
      .defaulted("margin", &Judge::margin, number(1.01, 100), "how many times worse is not acceptable")
      .defaulted("tolerance", &Judge::tolerance, share(),
                 "how many more of the candidate's users may err than of the stable version's, where few err")
      .optional("limits", &Judge::limits, judge_limits(), "ceilings beside the comparison")
      .defaulted("per_network", &Judge::per_network, integer<uint32_t>(0, kMostPerNetwork),
                 "users of one /24 or /48 that count, against forged ids; 0: all")
      .type();
}

Type<RolloutGuards> guards() {
  return Object<RolloutGuards>("guards", "what a rollout must not do")
      .optional("max_step", &RolloutGuards::max_step, share(),
                "what the share may grow by at once; a larger stage is reached in such steps, a warmup apart")
      .optional("freeze", &RolloutGuards::freeze, list_of(freeze_window(), 0, "a window of the week"),
                "windows of the week in which nothing climbs, by the clocks of a zone; rolling back works in them")
      .type();
}

Type<RolloutHook> hook() {
  return Object<RolloutHook>("hook", "somebody who is called: a POST of JSON, made once, which nothing waits for")
      .optional(
          "on", &RolloutHook::on,
          list_of(words<HookEvent>({{"stage", HookEvent::stage},
                                    {"await", HookEvent::await},
                                    {"pause", HookEvent::pause},
                                    {"fail", HookEvent::fail},
                                    {"abort", HookEvent::abort},
                                    {"done", HookEvent::done}}),
                  1, "an event"),
          "what for: stage (the share grew), await (an approval is asked for), pause, fail (harm, whatever it led "
          "to), abort, done; absent: all of these")
      .required("url", &RolloutHook::url, hook_url(),
                "http://HOST[:PORT]/PATH, or https:// with a certificate that the system believes")
      .defaulted("timeout", &RolloutHook::timeout, duration(), "of the whole call")
      .type();
}

}  // namespace

Type<Rollout> rollout_table() {
  constexpr int64_t kMostUsers = 1'000'000;
  return Object<Rollout>("rollout", "a plan by which the candidate's share climbs while nothing speaks against it")
      .optional("candidate", &Rollout::candidate, name(), "the version that climbs; absent: the one that is not stable")
      .required("stages", &Rollout::stages, list_of(stage(), 1, "a share"),
                "the candidate's shares in their order, each a share or a map")
      .defaulted("hold", &Rollout::hold, duration(), "how long a stage lasts at least")
      .defaulted("min_users", &Rollout::min_users, integer<uint64_t>(1, kMostUsers),
                 "of the candidate, to be seen in each stage")
      .optional("judge", &Rollout::judge, judge(), "how the versions are compared")
      .defaulted(
          "if_failing", &Rollout::if_failing,
          words<IfFailing>(
              {{"rollback", IfFailing::rollback}, {"pause", IfFailing::pause}, {"step_back", IfFailing::step_back}}),
          "what harm leads to: the candidate closed at 0%, a pause, or the stage before and a pause")
      .defaulted("if_undecided", &Rollout::if_undecided,
                 words<IfUndecided>(
                     {{"hold", IfUndecided::hold}, {"extend", IfUndecided::extend}, {"approve", IfUndecided::approve}}),
                 "a stage whose time is over without proof: looks again after twice the users or time, after another "
                 "hold, or asks for approval")
      .defaulted("soak", &Rollout::soak, duration(), "how long 100% is watched against what was usual before")
      .defaulted("warmup", &Rollout::warmup, duration_or_zero(), "after the share grew, slow answers do not count yet")
      .optional("guards", &Rollout::guards, guards(), "what it must not do")
      .optional("hooks", &Rollout::hooks, list_of(hook(), 0, "a hook"), "who is called when something happens")
      .type();
}

}  // namespace weir::config
