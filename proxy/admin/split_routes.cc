// Changes of a split: who may, under which condition, and what they asked for. Whether it makes sense
// for the service is the operator's to judge.
#include <algorithm>

#include "proxy/admin/author.h"
#include "proxy/admin/body.h"
#include "proxy/admin/precondition.h"
#include "proxy/admin/route.h"
#include "proxy/admin/split_json.h"
#include "proxy/admin/strict_json.h"

namespace weir::admin {
namespace {

Response no_service() {
  return problem(404, "there is no service of this name; GET /api/v1/services lists them", "service");
}

std::optional<Response> read_dry_run(const Asked& asked, bool& dry_run) {
  if (auto refusal = refuse_parameters(asked, {"dry_run"})) return refusal;
  const auto value = parameter(asked, "dry_run");
  dry_run = value == "true";
  if (value && *value != "true" && *value != "false") return problem(400, "must be true or false", "dry_run");
  return std::nullopt;
}

std::optional<Response> read_condition(const Request& request, uint64_t current, std::optional<uint64_t>& revision) {
  const Precondition condition = read_if_match(request.if_matches, current);
  if (!condition.given) {
    return problem(428, "send If-Match with the ETag of the split that you saw, or * for whatever it is", "If-Match");
  }
  if (condition.malformed) return problem(400, "must be * or a quoted ETag, as \"7\"", "If-Match");
  revision = condition.revision;
  return std::nullopt;
}

/// Reads all of a PUT but its body's shares; the refusal, if any.
std::optional<Response> read_wish(const Asked& asked, uint64_t current, control::SplitWish& wish) {
  wish.service = asked.service;
  if (auto refusal = read_dry_run(asked, wish.dry_run)) return refusal;
  if (auto refusal = read_author(asked.request, wish.author)) return refusal;
  if (auto refusal = read_condition(asked.request, current, wish.if_revision)) return refusal;
  Body body(asked.request.body, {"shares", "reason"});
  wish.shares = body.shares();
  wish.reason = body.reason();
  return body.refusal();
}

/// What the three ways other than PUT have in common; the body is read before.
std::optional<Response> refuse(const Asked& asked, const Body& body, control::Author& author) {
  if (!asked.control().split(asked.service)) return no_service();
  if (auto refusal = refuse_parameters(asked, {})) return refusal;
  if (auto refusal = read_author(asked.request, author)) return refusal;
  return body.refusal();
}

control::Operator::Done told_to(const Answer& answer, bool dry_run = false) {
  return [answer, dry_run](const control::Outcome& outcome) { answer(outcome_answer(outcome, dry_run)); };
}

}  // namespace

void show_split(const Asked& asked, const Answer& answer) {
  const auto split = asked.control().split(asked.service);
  answer(split ? split_answer(*split) : no_service());
}

void put_split(const Asked& asked, const Answer& answer) {
  const auto split = asked.control().split(asked.service);
  if (!split) return answer(no_service());
  control::SplitWish wish;
  if (const auto refusal = read_wish(asked, split->revision, wish)) return answer(*refusal);
  const bool dry_run = wish.dry_run;
  asked.control().set_split(std::move(wish), told_to(answer, dry_run));
}

void roll_back(const Asked& asked, const Answer& answer) {
  Body body(asked.request.body, {"reason", "close_tunnels", "force"});
  control::RollbackWish wish;
  wish.service = asked.service;
  wish.reason = body.reason();
  wish.close_tunnels = body.patience("close_tunnels");
  wish.force = body.flag("force");
  if (const auto refusal = refuse(asked, body, wish.author)) return answer(*refusal);
  asked.control().rollback(std::move(wish), told_to(answer));
}

void reopen(const Asked& asked, const Answer& answer) {
  Body body(asked.request.body, {"reason"});
  control::Author author;
  const std::string reason = body.reason();
  if (const auto refusal = refuse(asked, body, author)) return answer(*refusal);
  asked.control().reopen(asked.service, reason, std::move(author), told_to(answer));
}

void revert(const Asked& asked, const Answer& answer) {
  Body body(asked.request.body, {"revision", "reason"});
  control::Author author;
  const uint64_t revision = body.revision();
  const std::string reason = body.reason();
  if (const auto refusal = refuse(asked, body, author)) return answer(*refusal);
  asked.control().revert(asked.service, revision, reason, std::move(author), told_to(answer));
}

}  // namespace weir::admin
