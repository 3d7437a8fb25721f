// A service's rollout: as it is, and what it is told.
#include <algorithm>
#include <array>

#include "proxy/admin/author.h"
#include "proxy/admin/body.h"
#include "proxy/admin/route.h"
#include "proxy/admin/split_json.h"

namespace weir::admin {
namespace {

constexpr std::array<std::string_view, 6> kCommands{"start", "pause", "resume", "approve", "skip", "abort"};

Response rollout_answer(const std::string& json) {
  Response response;
  response.content_type = "application/json";
  response.body = json;
  return response;
}

}  // namespace

void show_rollout(const Asked& asked, const Answer& answer) {
  if (const auto refusal = refuse_parameters(asked, {})) return answer(*refusal);
  const auto json = asked.control().rollout(asked.service);
  if (!json) return answer(problem(404, "this service has no rollout in its configuration", "service"));
  answer(rollout_answer(*json));
}

void tell_rollout(const Asked& asked, const Answer& answer) {
  Body body(asked.request.body, {"command", "reason", "stage"});
  control::RolloutWish wish;
  wish.service = asked.service;
  wish.command = body.text("command");
  wish.reason = body.reason();
  wish.stage = body.stage();
  if (const auto refusal = refuse_parameters(asked, {})) return answer(*refusal);
  if (const auto refusal = read_author(asked.request, wish.author)) return answer(*refusal);
  if (std::ranges::find(kCommands, wish.command) == kCommands.end()) {
    body.refuse("must be start, pause, resume, approve, skip or abort", "command");
  }
  if (body.refusal()) return answer(*body.refusal());
  const control::RolloutOutcome outcome = asked.control().tell_rollout(wish);
  if (outcome.refusal != control::Refusal::none) return answer(problem(status_of(outcome.refusal), outcome.detail));
  answer(rollout_answer(outcome.json));
}

}  // namespace weir::admin
