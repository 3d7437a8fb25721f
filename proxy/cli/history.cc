#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "proxy/cli/commands.h"
#include "proxy/cli/running.h"
#include "proxy/cli/split_text.h"
#include "proxy/cli/text_table.h"

namespace weir::cli {
namespace {

struct Options {
  Running running;
  std::string service;
  uint32_t limit = 20;
};

int print_history(const Options& options) {
  std::string target = fmt::format("/api/v1/history?limit={}", options.limit);
  if (!options.service.empty()) target += "&service=" + encoded(options.service);
  const auto asked = ask_running(options.running, "history", {.target = target});
  if (const int* code = std::get_if<int>(&asked)) return *code;
  const Answer& answer = std::get<Answer>(asked);
  if (options.running.json) return print_json(answer);
  if (!answer.json.is_object()) return failed("history", "the answer is no object", "is it weir's admin?");
  TextTable table(
      {{"WHEN"}, {"SERVICE"}, {"REVISION", TextTable::Align::right}, {"WHAT"}, {"CHANGE"}, {"BY"}, {"FROM"}, {"WHY"}});
  for (const boost::json::value& one : array_of(answer.json.as_object(), "changes")) {
    if (!one.is_object()) continue;
    const boost::json::object& change = one.as_object();
    table.add({local_time(text_of(change, "at")), text_of(change, "service"),
               fmt::format("{:.0f}", number_of(change, "revision")), text_of(change, "kind"), change_text(change),
               author_text(change), text_of(change, "from"), text_of(change, "reason")});
  }
  if (table.empty()) {
    fmt::print("nothing was changed yet\n");
  } else {
    fmt::print("{}", table.text());
  }
  return kDone;
}

}  // namespace

Action declare_history(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("SERVICE", options->service, "the service (all)")->type_name("");
  app.add_option("--limit", options->limit, "how many, newest first (20)")
      ->type_name("N")
      ->check(CLI::Range(1U, 10'000U).description(""));
  add_running_options(app, options->running, Changes::no);
  app.footer(R"(The changes of every source: the command line, the API, the file; newest first, times as here.

Examples:
  weir history shop
  weir history --json --limit 1000 | jq '.changes[] | select(.actor == "max@laptop")'
  weir revert shop 7                              back to the shares after revision 7)");
  return [options] { return print_history(*options); };
}

}  // namespace weir::cli
