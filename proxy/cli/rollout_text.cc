#include "proxy/cli/rollout_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "proxy/cli/split_text.h"
#include "proxy/cli/text_table.h"

namespace weir::cli {

namespace json = boost::json;

namespace {

constexpr size_t kStepsShown = 8;

std::string time_text(double seconds) {
  if (seconds >= 3600) return fmt::format("{:.1f} h", seconds / 3600);
  return seconds >= 60 ? fmt::format("{:.0f} min", seconds / 60) : fmt::format("{:.0f} s", seconds);
}

/// What is missing, and what comes next.
std::string ahead_text(const json::object& rollout) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : " · ") + part; };
  const double left = number_of(rollout, "left_seconds");
  const std::string missing = text_of(rollout, "missing"), next = text_of(rollout, "next");
  const std::string thaw = text_of(rollout, "frozen_until");
  if (left > 0) add(time_text(left) + " left");
  if (!missing.empty()) add(missing);
  if (!thaw.empty()) add("frozen until " + local_time(thaw));
  if (!next.empty()) add("next: " + next);
  return text.empty() ? "" : text + "\n";
}

std::string metrics_text(const json::object& rollout) {
  using Align = TextTable::Align;
  TextTable table({{"METRIC"},
                   {"ERRED FIRST ON STABLE", Align::right},
                   {"ON CANDIDATE", Align::right},
                   {"HARM", Align::right},
                   {"FAILS AT", Align::right},
                   {"SAFETY", Align::right},
                   {"PASSES AT", Align::right}});
  for (const auto& [name, value] : object_of(rollout, "metrics")) {
    if (!value.is_object()) continue;
    const json::object& metric = value.as_object();
    const json::object& erred = object_of(metric, "erred_first");
    table.add(
        {name, fmt::format("{:.0f}", number_of(erred, "stable")), fmt::format("{:.0f}", number_of(erred, "candidate")),
         fmt::format("{:.3g}", number_of(metric, "harm")), fmt::format("{:.4g}", number_of(metric, "harm_limit")),
         fmt::format("{:.3g}", number_of(metric, "safety")), fmt::format("{:.4g}", number_of(metric, "safety_limit"))});
  }
  return table.empty() ? "" : table.text();
}

std::string steps_text(const json::object& rollout) {
  const json::array& history = array_of(rollout, "history");
  if (history.empty()) return "";
  TextTable table({{"WHEN"}, {"STEP"}, {"SHARE"}, {"BY"}, {"WHY"}});
  for (size_t i = history.size() - std::min(history.size(), kStepsShown); i < history.size(); ++i) {
    if (!history[i].is_object()) continue;
    const json::object& step = history[i].as_object();
    table.add({local_time(text_of(step, "at")), text_of(step, "what"), text_of(step, "share"), text_of(step, "actor"),
               text_of(step, "why")});
  }
  return table.text();
}

}  // namespace

std::string rollout_line(const json::object& rollout) {
  const json::array& stages = array_of(object_of(rollout, "plan"), "stages");
  const std::string why = text_of(rollout, "why");
  return fmt::format("{}: {} at {}, stage {:.0f} of {}{}", text_of(rollout, "service"), text_of(rollout, "state"),
                     text_of(rollout, "share"), number_of(rollout, "stage"), stages.size(),
                     why.empty() ? "" : ": " + why);
}

std::string rollout_text(const json::object& rollout) {
  std::string text = rollout_line(rollout) + "\n";
  const json::object& users = object_of(rollout, "users");
  text += fmt::format("users in this stage: {:.0f} on the stable version, {:.0f} on the candidate",
                      number_of(users, "stable"), number_of(users, "candidate"));
  return text + "\n" + ahead_text(rollout) + metrics_text(rollout) + steps_text(rollout);
}

}  // namespace weir::cli
