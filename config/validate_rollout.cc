#include <fmt/format.h>

#include <algorithm>

#include "config/validate.h"

namespace weir::config {

namespace {

void check_candidate(const Service& service, const Node& written, Problems& problems) {
  if (service.versions.size() == 1) {
    problems.push_back({written.where, fmt::format("rollout: {} has one version; a rollout needs a candidate beside it",
                                                   service.name.empty() ? "this service" : service.name)});
    return;
  }
  const std::string& candidate = service.rollout->candidate;
  const auto index = service.stable.empty() ? std::nullopt : service.candidate_index();
  if (candidate.empty() || !index || candidate == service.versions[*index].name) return;
  problems.push_back(
      {place(written, {"candidate"}), fmt::format("candidate: {} is not the version beside the stable one; write {}",
                                                  candidate, service.versions[*index].name)});
}

/// Was it read? What was not is complained of already.
bool was_read(const Node& stage) {
  const Entry* const inner = stage.find("share");
  const Node& text = inner == nullptr ? stage : inner->value;
  return text.kind == Node::Kind::scalar && parse_share(text.text);
}

void check_stages(const Rollout& rollout, const Node& written, Problems& problems) {
  Share before = kNobody;
  for (size_t i = 0; i < rollout.stages.size(); ++i) {
    const RolloutStage& stage = rollout.stages[i];
    if (!was_read(written.find("stages")->value.items[i])) continue;
    if (stage.share <= before) {
      problems.push_back({place(written, {"stages", i}),
                          fmt::format("stages: {} does not come after {}; each stage needs a larger share",
                                      share_text(stage.share), share_text(before))});
    }
    before = std::max(before, stage.share);
  }
}

void check_cohort(const Service& service, const Node& written, Problems& problems) {
  const WithoutKey way = service.cohort.without_key;
  if (!service.cohort.keys.empty() || way == WithoutKey::random || way == WithoutKey::mint) return;
  problems.push_back({written.where,
                      "rollout: there is no cohort key, so that no user can be told from another; write cohort: {key: "
                      "cookie:NAME}, say, or without_key: random"});
}

void check_freeze(const Rollout& rollout, Problems& problems) {
  for (const FreezeWindow& window : rollout.guards.freeze) {
    if (window.text.empty() || window.begin != window.end) continue;
    problems.push_back({window.where, fmt::format("freeze: {} is the whole week, and nothing would ever climb; write "
                                                  "an end that is not its beginning",
                                                  quoted(window.text))});
  }
}

void check_metrics(const Service& service, const Node& written, Problems& problems) {
  const auto& metrics = service.rollout->judge.metrics;
  const auto found = std::ranges::find(metrics, JudgedMetric::feedback);
  if (found == metrics.end() || service.feedback) return;
  const auto index = static_cast<size_t>(found - metrics.begin());
  problems.push_back({place(written, {"judge", "metrics", index}),
                      "metrics: feedback says nothing where nobody is asked; add feedback: {} to the service"});
}

void check_guards(const Rollout& rollout, const Node& written, Problems& problems) {
  if (!rollout.guards.max_step || *rollout.guards.max_step > kNobody) return;
  problems.push_back({place(written, {"guards", "max_step"}), "max_step: with steps of 0% nothing climbs; write more"});
}

}  // namespace

void validate_rollout(const Service& service, const Node& node, Problems& problems) {
  const Entry* entry = node.find("rollout");
  if (entry == nullptr || entry->value.kind != Node::Kind::map) return;
  check_candidate(service, entry->value, problems);
  check_stages(*service.rollout, entry->value, problems);
  check_cohort(service, entry->value, problems);
  check_guards(*service.rollout, entry->value, problems);
  check_freeze(*service.rollout, problems);
  check_metrics(service, entry->value, problems);
}

}  // namespace weir::config
