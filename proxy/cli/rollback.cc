#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "config/units.h"
#include "proxy/cli/commands.h"
#include "proxy/cli/outcome.h"
#include "proxy/cli/running.h"

namespace weir::cli {
namespace {

namespace json = boost::json;

struct Options {
  Running running;
  std::string service, reason, close_tunnels;
  bool force = false;
  uint64_t revision = 0;
};

void add_options(CLI::App& app, Options& options) {
  app.add_option("SERVICE", options.service, "the service")->required()->type_name("");
  app.add_option("--reason", options.reason, "why, for the history")->type_name("TEXT");
  add_running_options(app, options.running, Changes::yes);
}

int post(const Options& options, const std::string& command, json::object body) {
  if (!options.reason.empty()) body["reason"] = options.reason;
  const AdminRequest request{.method = "POST",
                             .target = fmt::format("/api/v1/services/{}/{}", encoded(options.service), command),
                             .fields = {{"X-Weir-Actor", actor_of(options.running)}},
                             .body = json::serialize(body)};
  return change(options.running, {command, options.service}, request);
}

int roll_back(const Options& options) {
  json::object body;
  if (!options.close_tunnels.empty()) {
    const auto time = config::parse_duration(options.close_tunnels);
    if (!time || time->count() % 1000 != 0) {
      return wrong_usage("rollback", fmt::format("--close-tunnels `{}` is no time: write 30s", options.close_tunnels));
    }
    body["close_tunnels"] = fmt::format("{}s", time->count() / 1000);
  }
  if (options.force) body["force"] = true;
  const int code = post(options, "rollback", std::move(body));
  if (code == kDone && !options.running.json) {
    fmt::print("the candidate of {} is closed, rules included. `weir reopen {}` to try again.\n", options.service,
               options.service);
  }
  return code;
}

}  // namespace

Action declare_rollback(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_options(app, *options);
  app.add_option("--close-tunnels", options->close_tunnels,
                 "upgraded connections to the candidate (WebSocket) are closed after this long")
      ->type_name("TIME");
  app.add_flag("--force", options->force, "although its rollout is past a stage without a way back");
  app.footer(
      R"(Takes the candidate to 0% at once and closes it: no rule, no reload and no `split set` sends anybody there until
`weir reopen`. Requests under way finish where they began. Asks for no revision: it is for emergencies.

Examples:
  weir rollback shop --reason "carts are empty"
  weir rollback shop --close-tunnels 30s)");
  return [options] { return roll_back(*options); };
}

Action declare_reopen(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_options(app, *options);
  app.footer(R"(Opens a candidate that was rolled back, at 0%.

Example:
  weir reopen shop --reason "fixed in build 812" && weir split set shop new=1%)");
  return [options] { return post(*options, "reopen", {}); };
}

Action declare_revert(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("SERVICE", options->service, "the service")->required()->type_name("");
  app.add_option("REVISION", options->revision, "the revision whose shares come back")->required()->type_name("");
  app.add_option("--reason", options->reason, "why, for the history")->type_name("TEXT");
  add_running_options(app, options->running, Changes::yes);
  app.footer(R"(Back to the shares that were in force after a revision; `weir history SERVICE` lists them.

Example:
  weir revert shop 7 --reason "as it was before lunch")");
  return [options] { return post(*options, "revert", {{"revision", options->revision}}); };
}

}  // namespace weir::cli
