#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include "proxy/cli/commands.h"
#include "proxy/cli/rollout_text.h"
#include "proxy/cli/running.h"
#include "proxy/cli/split_text.h"
#include "proxy/cli/terminal.h"

namespace weir::cli {
namespace {

namespace json = boost::json;

struct Options {
  Running running;
  std::string service, reason;
  uint32_t stage = 0;  // 0: whatever it is
  bool watch = false;
};

std::string path_of(const Options& options) { return "/api/v1/services/" + encoded(options.service) + "/rollout"; }

std::optional<int> tell_who_was_first(const std::string& command, const AdminReply& reply) {
  if (reply.status != 412) return std::nullopt;
  boost::json::error_code error;
  const json::value said = json::parse(reply.body, error);
  const std::string detail = !error && said.is_object() ? text_of(said.as_object(), "detail") : "somebody was first";
  failed("rollout " + command, detail, "weir rollout status tells how it stands");
  return kChangedByOthers;
}

int tell(const Options& options, const std::string& command) {
  json::object body{{"command", command}};
  if (!options.reason.empty()) body["reason"] = options.reason;
  if (options.stage > 0) body["stage"] = options.stage;
  const AdminRequest request{.method = "POST",
                             .target = path_of(options),
                             .fields = {{"X-Weir-Actor", actor_of(options.running)}},
                             .body = json::serialize(body)};
  const auto asked = ask_running(options.running, "rollout " + command, request,
                                 [&](const AdminReply& reply) { return tell_who_was_first(command, reply); });
  if (const int* code = std::get_if<int>(&asked)) return *code;
  const Answer& answer = std::get<Answer>(asked);
  if (options.running.json) return print_json(answer);
  if (!answer.json.is_object()) return failed("rollout", "the answer is no object", "is it weir's admin?");
  fmt::print("{}\n", rollout_line(answer.json.as_object()));
  return kDone;
}

/// Has it ended, so that there is nothing more to watch?
bool ended(const json::object& rollout) {
  constexpr std::array<std::string_view, 5> kEnds{"draft", "rolled_back", "done", "aborted", ""};
  return std::ranges::find(kEnds, text_of(rollout, "state")) != kEnds.end();
}

/// Drawn in place on a terminal; elsewhere a line whenever something has changed.
class Watch {
 public:
  void show(const json::object& rollout) {
    if (!terminal_) return tell(rollout_line(rollout));
    const std::string whole = rollout_text(rollout);
    const std::string text = ended(rollout) ? whole : cut_to(columns_of(STDOUT_FILENO), whole);
    if (drawn_ > 0) fmt::print("\033[{}A\033[J", drawn_);
    fmt::print("{}", text);
    drawn_ = static_cast<size_t>(std::ranges::count(text, '\n'));
  }

 private:
  void tell(std::string line) {
    if (line == told_) return;
    fmt::print("{}\n", line);
    told_ = std::move(line);
  }

  const bool terminal_ = ::isatty(STDOUT_FILENO) != 0;
  size_t drawn_ = 0;  // lines
  std::string told_;
};

int show(const Options& options) {
  constexpr std::chrono::milliseconds kRedrawn{500};
  Watch watch;
  for (;;) {
    const auto asked = ask_running(options.running, "rollout status", {.target = path_of(options)});
    if (const int* code = std::get_if<int>(&asked)) return *code;
    const Answer& answer = std::get<Answer>(asked);
    if (options.running.json) return print_json(answer);
    if (!answer.json.is_object()) return failed("rollout status", "the answer is no object", "is it weir's admin?");
    const json::object& rollout = answer.json.as_object();
    if (options.watch) {
      watch.show(rollout);
    } else {
      fmt::print("{}", rollout_text(rollout));
    }
    std::fflush(stdout);
    if (!options.watch || ended(rollout)) return kDone;
    std::this_thread::sleep_for(kRedrawn);
  }
}

void add_options(CLI::App& app, Options& options, Changes changes) {
  app.add_option("SERVICE", options.service, "the service")->required()->type_name("");
  if (changes == Changes::yes) {
    app.add_option("--reason", options.reason, "why, for the history")->type_name("TEXT");
    app.add_option("--if-stage", options.stage, "only if it is at this stage, from 1; else exit code 4")
        ->type_name("N")
        ->check(CLI::Range(1U, 1000U).description(""));
  }
  add_running_options(app, options.running, changes);
}

}  // namespace

Action declare_rollout(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.require_subcommand(1);
  CLI::App* const status = app.add_subcommand("status", "show the stage, the evidence, and what comes next");
  add_options(*status, *options, Changes::no);
  status->add_flag("--watch", options->watch, "redraw until it has ended");
  status->footer(R"(Example:
  weir rollout status shop --watch)");
  const std::vector<std::pair<const char*, const char*>> commands{
      {"start", "begin to climb, at the first stage of the plan"},
      {"pause", "stay at this share; harm still rolls back"},
      {"resume", "go on after a pause"},
      {"approve", "let a stage that waits for it go on"},
      {"skip", "go to the next stage now, whatever is missing"},
      {"abort", "end it with nobody on the candidate, which stays open"}};
  for (const auto& [name, purpose] : commands) {
    CLI::App* const command = app.add_subcommand(name, purpose);
    add_options(*command, *options, Changes::yes);
    command->footer(fmt::format("Example:\n  weir rollout {} shop", name));
  }
  app.footer(
      R"(The plan is the service's `rollout` in the configuration. A share climbs while nobody is harmed by it, judged by who
errs first; harm rolls back at once.

Examples:
  weir rollout start shop
  weir rollout status shop --watch)");
  return [options, &app] {
    const std::string command = app.get_subcommands().front()->get_name();
    return command == "status" ? show(*options) : tell(*options, command);
  };
}

}  // namespace weir::cli
