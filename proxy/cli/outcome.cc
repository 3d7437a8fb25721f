#include "proxy/cli/outcome.h"

#include <fmt/format.h>
#include <unistd.h>

#include "proxy/cli/split_text.h"
#include "proxy/cli/terminal.h"

namespace weir::cli {
namespace {

namespace json = boost::json;

/// Somebody else was first: theirs is shown.
int tell_theirs(const Wanted& wanted, const AdminReply& reply, bool as_json) {
  if (as_json) fmt::print("{}\n", reply.body);
  boost::json::error_code error;
  const json::value body = json::parse(reply.body, error);
  const json::object& split = !error && body.is_object() ? object_of(body.as_object(), "split") : json::object();
  const std::string theirs =
      split.empty() ? fmt::format("it is at ETag {} now", reply.field("etag")) : split_text(split);
  fmt::print(
      stderr, "{}\ntry: weir split show {}, then again\n",
      alarming(fmt::format("weir {}: somebody else changed {} first: {}", wanted.command, wanted.service, theirs),
               STDERR_FILENO),
      wanted.service);
  return kChangedByOthers;
}

void print_warnings(const json::object& effect) {
  for (const json::value& warning : array_of(effect, "warnings")) {
    if (warning.is_string()) fmt::print(stderr, "warning: {}\n", std::string_view(warning.as_string()));
  }
}

void print_overriding(const json::object& effect) {
  std::vector<std::string> rules;
  for (const json::value& rule : array_of(effect, "overriding_rules")) {
    if (rule.is_string()) rules.emplace_back(rule.as_string());
  }
  if (!rules.empty()) fmt::print("decided before the split, by rules: {}\n", fmt::join(rules, ", "));
}

std::string in_force_text(const json::object& outcome) {
  const double workers = number_of(outcome, "workers"), pending = number_of(outcome, "pending_workers");
  const double took = number_of(outcome, "took_seconds") * 1000;
  return fmt::format("in force on {:.0f} of {:.0f} workers after {:.{}f} ms", workers - pending, workers, took,
                     took < 1 ? 2 : 1);
}

void print_done(const Wanted& wanted, const json::object& outcome) {
  const double revision = number_of(outcome, "revision");
  if (!flag_of(outcome, "changed")) {
    fmt::print("nothing to change: {} has {} already, revision {:.0f}\n", wanted.service,
               shares_text(outcome.contains("shares") ? outcome.at("shares") : json::value()), revision);
  } else {
    fmt::print("revision {:.0f}, {}\n", revision, in_force_text(outcome));
  }
  if (number_of(outcome, "pending_workers") > 0) {
    fmt::print(stderr, "warning: a worker is busy and takes the new shares as soon as it can\n");
  }
  if (!flag_of(outcome, "remembered", true)) {
    const std::string detail = text_of(outcome, "detail");
    fmt::print(stderr, "{}\n",
               alarming(fmt::format("IN FORCE, BUT NOT REMEMBERED: it does not outlive the process{}",
                                    detail.empty() ? "" : ": " + detail),
                        STDERR_FILENO));
  } else if (const std::string detail = text_of(outcome, "detail"); !detail.empty()) {
    fmt::print(stderr, "note: {}\n", detail);
  }
}

}  // namespace

int change(const Running& running, const Wanted& wanted, const AdminRequest& request) {
  const auto on_refusal = [&](const AdminReply& reply) -> std::optional<int> {
    if (reply.status != 412) return std::nullopt;
    return tell_theirs(wanted, reply, running.json);
  };
  const auto asked = ask_running(running, wanted.command, request, on_refusal);
  if (const int* code = std::get_if<int>(&asked)) return *code;
  const Answer& answer = std::get<Answer>(asked);
  if (running.json) return print_json(answer);
  if (!answer.json.is_object()) return failed(wanted.command, "the answer is no object", "is it weir's admin?");
  const json::object& outcome = answer.json.as_object();
  const json::object& effect = object_of(outcome, "effect");
  if (flag_of(outcome, "dry_run")) {
    fmt::print("{}\n", effect_text(effect));
    print_overriding(effect);
  } else {
    print_done(wanted, outcome);
  }
  print_warnings(effect);
  return kDone;
}

}  // namespace weir::cli
