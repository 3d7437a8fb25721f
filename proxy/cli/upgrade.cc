#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "proxy/cli/commands.h"
#include "proxy/cli/running.h"

namespace weir::cli {
namespace {

int upgrade(const Running& running) {
  const AdminRequest request{.method = "POST", .target = "/-/upgrade", .fields = {}, .body = ""};
  const auto asked = ask_running(running, "upgrade", request);
  if (const int* code = std::get_if<int>(&asked)) return *code;
  const Answer& answer = std::get<Answer>(asked);
  if (running.json) return print_json(answer);
  const auto* process = answer.json.is_object() ? answer.json.as_object().if_contains("process") : nullptr;
  fmt::print("process {} serves now; the one before it finishes what is under way\n",
             process != nullptr && process->is_int64() ? process->as_int64() : 0);
  return kDone;
}

}  // namespace

Action declare_upgrade(CLI::App& app) {
  const auto running = std::make_shared<Running>();
  add_running_options(app, *running, Changes::no);
  app.footer(
      R"(Has the running weir start its program anew, from where it was started (a package has put a newer one there), and
hand over its sockets and its state. When every worker of the new process serves, the old one takes nothing new and
finishes what is under way, for at most timeouts.drain. Nobody is refused, and no connection is dropped. If the new one
does not serve within 10 s, or its configuration is wrong, it is ended, the old one goes on, and the exit code is 1.
USR2 does the same; then the log tells.

Example:
  weir upgrade)");
  return [running] { return upgrade(*running); };
}

}  // namespace weir::cli
