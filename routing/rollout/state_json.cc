#include "routing/rollout/state_json.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

namespace weir::routing::rollout {

namespace json = boost::json;

namespace {

// What JSON has no numbers for does not arise: logarithms of likelihood ratios are finite.
json::array counts(const std::array<uint64_t, 2>& pair) { return {pair[kStable], pair[kCandidate]}; }

json::array filters(const std::array<UserFilter, 2>& pair) { return {pair[kStable].text(), pair[kCandidate].text()}; }

json::object detector(const GrowthDetector& detector) { return {{"usual", detector.usual()}, {"r", detector.r()}}; }

json::array requests(const std::array<Count, 2>& here) {
  json::array both;
  for (const Count& count : here) both.push_back(json::array{count.requests, count.failed, count.over_p99});
  return both;
}

json::object metric(const MetricEvidence& evidence) {
  json::array by_network;
  for (const auto& [network, users] : evidence.by_network) by_network.push_back(json::array{network, users});
  return {{"harm", json::value_from(evidence.harm.values())},
          {"safety", json::value_from(evidence.safety.logs())},
          {"erred", evidence.erred.text()},
          {"erred_here", filters(evidence.erred_here)},
          {"first", counts(evidence.first)},
          {"exposed", evidence.exposed},
          {"by_network", std::move(by_network)}};
}

Phase phase_of(const json::value& name) {
  const auto found = std::ranges::find(kPhaseNames, std::string_view(name.as_string()));
  if (found == kPhaseNames.end()) throw std::invalid_argument("no phase");
  return static_cast<Phase>(found - kPhaseNames.begin());
}

void read(const json::value& text, UserFilter& into) {
  if (!into.read(text.as_string())) throw std::invalid_argument("no filter");
}

void read(const json::value& pair, std::array<UserFilter, 2>& into) {
  for (const Side side : {kStable, kCandidate}) read(pair.as_array().at(side), into[side]);
}

void read(const json::value& pair, std::array<uint64_t, 2>& into) {
  for (const Side side : {kStable, kCandidate}) into[side] = pair.as_array().at(side).to_number<uint64_t>();
}

void read(const json::value& both, std::array<Count, 2>& into) {
  for (const Side side : {kStable, kCandidate}) {
    const json::array& one = both.as_array().at(side).as_array();
    into[side] = {one.at(0).to_number<uint64_t>(), one.at(1).to_number<uint64_t>(), one.at(2).to_number<uint64_t>()};
  }
}

GrowthDetector detector_of(const json::value& value) {
  return GrowthDetector::of(value.at("usual").to_number<double>(), value.at("r").to_number<double>());
}

HarmEvidence harm_of(const json::value& value, const Plan& plan) {
  const auto values = json::value_to<std::vector<std::vector<double>>>(value);
  constexpr size_t kRatios = HarmEvidence::kRatios.size();
  const bool fits = values.size() == plan.stages.size() + 1 && values.front().size() == kRatios &&
                    std::ranges::all_of(values, [](const auto& v) { return v.empty() || v.size() == kRatios; });
  if (!fits) throw std::invalid_argument("not the evidence of this plan");
  return HarmEvidence::of(values);
}

MetricEvidence metric_of(const json::value& value, const Plan& plan) {
  MetricEvidence evidence;
  evidence.harm = harm_of(value.at("harm"), plan);
  evidence.safety = SafetyEvidence::of(json::value_to<SafetyEvidence::Logs>(value.at("safety")));
  read(value.at("erred"), evidence.erred);
  read(value.at("erred_here"), evidence.erred_here);
  read(value.at("first"), evidence.first);
  evidence.exposed = value.at("exposed").as_bool();
  for (const json::value& entry : value.at("by_network").as_array()) {
    evidence.by_network[entry.at(0).to_number<uint32_t>()] = entry.at(1).to_number<uint32_t>();
  }
  return evidence;
}

milliseconds duration_of(const json::value& value) { return milliseconds(value.to_number<int64_t>()); }

State read_state(const json::value& value, const Plan& plan) {
  State state;
  state.phase = phase_of(value.at("phase"));
  state.paused_in = phase_of(value.at("paused_in"));
  state.why = value.at("why").as_string();
  state.stage = value.at("stage").to_number<uint64_t>();
  if (state.stage >= plan.stages.size()) throw std::invalid_argument("no such stage");
  const auto share = value.at("share").to_number<uint32_t>();
  if (share > static_cast<uint32_t>(config::kEverybody)) throw std::invalid_argument("no share");
  state.share = config::Share{share};
  state.in_stage = duration_of(value.at("in_stage_ms"));
  state.since_step = duration_of(value.at("since_step_ms"));
  state.looks = value.at("looks").to_number<unsigned>();
  state.users_at_look = value.at("users_at_look").to_number<uint64_t>();
  state.at_look = duration_of(value.at("at_look_ms"));
  state.acknowledged = value.at("acknowledged").as_bool();
  read(value.at("seen"), state.seen);
  read(value.at("here"), state.here);
  read(value.at("fresh"), state.fresh);
  read(value.at("told"), state.told);
  for (size_t i = 0; i < kMetrics; ++i) state.evidence[i] = metric_of(value.at("evidence").at(kMetricNames[i]), plan);
  state.stable_worse = detector_of(value.at("stable_worse"));
  state.candidate_worse = detector_of(value.at("candidate_worse"));
  return state;
}

}  // namespace

json::object state_json(const State& state) {
  json::object evidence;
  for (size_t i = 0; i < kMetrics; ++i) evidence[kMetricNames[i]] = metric(state.evidence[i]);
  return {{"phase", phase_name(state.phase)},
          {"paused_in", phase_name(state.paused_in)},
          {"why", state.why},
          {"stage", state.stage},
          {"share", static_cast<uint32_t>(state.share)},
          {"in_stage_ms", state.in_stage.count()},
          {"since_step_ms", state.since_step.count()},
          {"looks", state.looks},
          {"users_at_look", state.users_at_look},
          {"at_look_ms", state.at_look.count()},
          {"acknowledged", state.acknowledged},
          {"seen", filters(state.seen)},
          {"here", requests(state.here)},
          {"fresh", counts(state.fresh)},
          {"told", counts(state.told)},
          {"evidence", std::move(evidence)},
          {"stable_worse", detector(state.stable_worse)},
          {"candidate_worse", detector(state.candidate_worse)}};
}

std::optional<State> state_of(const json::value& value, const Plan& plan) {
  try {
    return read_state(value, plan);
  } catch (const std::exception&) {  // Boost.JSON's way to say that something is missing or is of another kind
    return std::nullopt;
  }
}

}  // namespace weir::routing::rollout
