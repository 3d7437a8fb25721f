#include "proxy/control/rollout_hooks.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <optional>

#include "proxy/control/rollout_json.h"

namespace weir::control {

namespace json = boost::json;
namespace rollout = routing::rollout;
using config::HookEvent;

namespace {

/// Steps by what they are to somebody outside; others concern nobody.
struct Meaning {
  std::string_view what;
  HookEvent event;
};
constexpr std::array kMeanings{
    Meaning{"start", HookEvent::stage}, Meaning{"stage", HookEvent::stage},   Meaning{"step", HookEvent::stage},
    Meaning{"soak", HookEvent::stage},  Meaning{"await", HookEvent::await},   Meaning{"pause", HookEvent::pause},
    Meaning{"fail", HookEvent::fail},   Meaning{"rollback", HookEvent::fail}, Meaning{"step_back", HookEvent::fail},
    Meaning{"abort", HookEvent::abort}, Meaning{"done", HookEvent::done}};

std::optional<HookEvent> event_of(std::string_view what) {
  const auto found = std::ranges::find(kMeanings, what, &Meaning::what);
  return found == kMeanings.end() ? std::nullopt : std::optional(found->event);
}

/// The step, with a sentence that chats show as it is.
std::string said(const Run& run, const RolloutEntry& entry, HookEvent event) {
  json::object all = entry_json(run, entry);
  const rollout::Transition& step = entry.transition;
  all["event"] = hook_event_text(event);
  all["candidate"] = run.plan.candidate;
  all["text"] = fmt::format("{}: {} of {} at {}{}", run.plan.service, step.what, run.plan.candidate,
                            config::share_text(step.share), step.why.empty() ? "" : ": " + step.why);
  return json::serialize(all);
}

}  // namespace

std::string_view hook_event_text(HookEvent event) {
  constexpr std::array<std::string_view, 6> kNames{"stage", "await", "pause", "fail", "abort", "done"};
  return kNames[static_cast<size_t>(event)];
}

void RolloutHooks::tell(const Run& run, const RolloutEntry& entry) {
  const auto event = event_of(entry.transition.what);
  if (!event) return;
  for (const config::RolloutHook& hook : run.hooks) {
    const bool wanted = hook.on.empty() || std::ranges::find(hook.on, *event) != hook.on.end();
    if (!wanted) continue;
    hooks().call(
        {hook.url, hook.timeout, run.plan.service, std::string(hook_event_text(*event)), said(run, entry, *event)});
  }
}

Hooks& RolloutHooks::hooks() {
  if (!hooks_) {
    hooks_ = std::make_unique<Hooks>(io_, [this](const HookCall& call, const std::string& why) { called(call, why); });
  }
  return *hooks_;
}

void RolloutHooks::called(const HookCall& call, const std::string& why) {
  ++count_[{call.service, why.empty() ? "ok" : "failed"}];
  if (!why.empty())
    spdlog::warn("{}: the hook {} was not told of {}: {}", call.service, call.url.text, call.event, why);
}

void RolloutHooks::fill(metrics::Facts& facts) const {
  for (const auto& [of, count] : count_) facts.hook_calls.push_back({of.first, of.second, count});
}

}  // namespace weir::control
