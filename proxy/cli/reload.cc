#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "proxy/cli/commands.h"
#include "proxy/cli/configuration.h"
#include "proxy/cli/running.h"

namespace weir::cli {
namespace {

namespace json = boost::json;

struct Options {
  Running running;
  std::string file;
};

/// What the running weir says is wrong (422): each problem on a line, as `weir check` tells them.
std::optional<int> tell_problems(const AdminReply& reply) {
  if (reply.status != 422) return std::nullopt;
  json::error_code error;
  const json::value body = json::parse(reply.body, error);
  const json::value* const problems = !error && body.is_object() ? body.as_object().if_contains("problems") : nullptr;
  if (problems == nullptr || !problems->is_array()) return std::nullopt;
  for (const json::value& problem : problems->as_array()) {
    const json::value* const text = problem.is_object() ? problem.as_object().if_contains("text") : nullptr;
    if (text != nullptr && text->is_string()) fmt::print(stderr, "{}\n", std::string_view(text->as_string()));
  }
  fmt::print(stderr, "weir reload: what was loaded before stays in force\n");
  return kWrongConfiguration;
}

int reload(Options& options) {
  const auto snapshot = load_and_compile(options.file, Warn::yes);
  if (!snapshot) return kWrongConfiguration;
  if (!ask_weir_of(*snapshot->config, "reload", options.running)) return kFailed;
  const AdminRequest request{.method = "POST", .target = "/-/reload", .fields = {}, .body = ""};
  const auto asked = ask_running(options.running, "reload", request, tell_problems);
  if (const int* code = std::get_if<int>(&asked)) return *code;
  if (options.running.json) return print_json(std::get<Answer>(asked));
  fmt::print("{}: in force\n", options.file);
  return kDone;
}

}  // namespace

Action declare_reload(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("-c,--config", options->file, "the configuration file that weir runs with")
      ->required()
      ->type_name("FILE");
  add_running_options(app, options->running, Changes::no);
  app.footer(
      R"(Checks the file, then has the running weir load it, and waits until every worker serves by it. The weir is found by
the file's own `admin`, unless --admin or WEIR_ADMIN name it. If anything is wrong it is told, the exit code is 3, and
what was loaded before stays in force. (A weir also watches its file, and loads it on HUP; then the log tells.)

Example:
  weir reload -c /etc/weir/weir.yaml)");
  return [options] { return reload(*options); };
}

}  // namespace weir::cli
