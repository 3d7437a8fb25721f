#include "proxy/admin/split_json.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "proxy/control/change_json.h"

namespace weir::admin {
namespace {

namespace json = boost::json;
using control::Refusal;

json::object rates_json(const std::vector<std::pair<std::string, double>>& rates) {
  json::object all;
  for (const auto& [version, rate] : rates) all[version] = rate;
  return all;
}

json::object effect_json(const control::Effect& effect) {
  const bool moves = !effect.to.empty() && effect.moved != config::kNobody;
  json::object all{{"from", nullptr},
                   {"to", nullptr},
                   {"moved", config::share_text(moves ? effect.moved : config::kNobody)},
                   {"first_bucket", nullptr},
                   {"last_bucket", nullptr},
                   {"rates_now", rates_json(effect.rates_now)},
                   {"rates_then", rates_json(effect.rates_then)},
                   {"overriding_rules", json::array(effect.overriding_rules.begin(), effect.overriding_rules.end())},
                   {"warnings", json::array(effect.warnings.begin(), effect.warnings.end())}};
  if (!moves) return all;
  all["from"] = effect.from;
  all["to"] = effect.to;
  all["first_bucket"] = effect.first_bucket;
  all["last_bucket"] = effect.last_bucket;
  return all;
}

/// What to say where the operator said nothing.
std::string_view words_for(Refusal refusal) {
  switch (refusal) {
    case Refusal::unknown_service:
      return "there is no service of this name; GET /api/v1/services lists them";
    case Refusal::unknown_version:
      return "the service has no version of this name";
    case Refusal::bad_share:
      return "the shares do not fit";
    case Refusal::stale:
      return "somebody else changed it first: look at `split`, then try again with its ETag";
    case Refusal::closed:
      return "the candidate was rolled back and is closed: reopen it first";
    case Refusal::no_candidate:
      return "the service has one version only";
    case Refusal::unknown_revision:
      return "this revision is not remembered; GET /api/v1/history tells which are";
    case Refusal::not_stored:
      return "the state cannot be written; nothing is changed";
    case Refusal::draining:
      return "weir is draining; nothing is changed any more";
    case Refusal::not_now:
      return "the rollout's state forbids it";
    case Refusal::none:
      break;
  }
  return "";
}

Response refused(const control::Outcome& outcome) {
  const std::string_view words = outcome.detail.empty() ? words_for(outcome.refusal) : outcome.detail;
  const bool known = outcome.refusal != Refusal::unknown_service && !outcome.split.service.empty();
  json::object more;
  if (known) more["split"] = split_json(outcome.split);
  Response response = problem(status_of(outcome.refusal), words, outcome.field, more);
  if (known) response.fields.emplace_back("ETag", etag(outcome.split.revision));
  return response;
}

}  // namespace

unsigned status_of(control::Refusal refusal) {
  switch (refusal) {
    case control::Refusal::none:
      return 200;
    case control::Refusal::unknown_service:
    case control::Refusal::unknown_version:
    case control::Refusal::unknown_revision:
      return 404;
    case control::Refusal::bad_share:
      return 422;
    case control::Refusal::stale:
      return 412;
    case control::Refusal::closed:
    case control::Refusal::no_candidate:
    case control::Refusal::draining:
    case control::Refusal::not_now:
      return 409;
    case control::Refusal::not_stored:
      break;
  }
  return 503;
}

json::object split_json(const control::SplitInForce& split) {
  json::object all{{"service", split.service},
                   {"revision", split.revision},
                   {"shares", control::shares_json(split.shares)},
                   {"closed", split.closed},
                   {"in_file", control::shares_json(split.in_file)},
                   {"differs_from_file", split.differs_from_file},
                   {"last", nullptr}};
  if (split.last) all["last"] = control::change_json(*split.last);
  return all;
}

std::string etag(uint64_t revision) { return fmt::format("\"{}\"", revision); }

Response split_answer(const control::SplitInForce& split) {
  Response response = json_answer(200, split_json(split));
  response.fields.emplace_back("ETag", etag(split.revision));
  return response;
}

Response outcome_answer(const control::Outcome& outcome, bool dry_run) {
  if (outcome.refusal != Refusal::none) return refused(outcome);
  json::object body = split_json(outcome.split);
  body["changed"] = outcome.changed;
  body["dry_run"] = dry_run;
  body["remembered"] = outcome.remembered;
  body["workers"] = outcome.workers;
  body["pending_workers"] = outcome.pending_workers;
  body["took_seconds"] = std::chrono::duration<double>(outcome.took).count();
  body["effect"] = effect_json(outcome.effect);
  if (!outcome.detail.empty()) body["detail"] = outcome.detail;
  Response response = json_answer(outcome.pending_workers > 0 ? 202 : 200, body);
  response.fields.emplace_back("ETag", etag(outcome.split.revision));
  return response;
}

}  // namespace weir::admin
