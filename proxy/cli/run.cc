#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "proxy/cli/commands.h"
#include "proxy/cli/configuration.h"
#include "proxy/log/own_log.h"
#include "proxy/server.h"
#include "proxy/unit/succession.h"

namespace weir::cli {
namespace {

int run(const std::string& file) {
  const auto server = proxy::Server::create(file, {unit::own_program(), "run", "-c", file});
  if (server) return (*server)->run();
  if (log::stderr_is_the_journal()) {
    for (const config::Problem& problem : server.problems()) spdlog::error("{}", problem.text());
  } else {
    print_problems(server.problems());
  }
  // A sound file whose addresses are taken is no fault of the file.
  return is_sound(file) ? kFailed : kWrongConfiguration;
}

}  // namespace

Action declare_run(CLI::App& app) {
  const auto file = std::make_shared<std::string>();
  app.add_option("-c,--config", *file, "the configuration file")->required()->type_name("FILE");
  app.footer(
      R"(Serves until TERM or INT, which let requests under way finish (a second one ends at once). The file is watched:
a change is served at once, one with errors changes nothing and is told. HUP loads it too; USR1 reopens the logs;
USR2 starts the program anew and hands over to it, as `weir upgrade` does.

Example:
  weir run -c /etc/weir/weir.yaml)");
  return [file] { return run(*file); };
}

}  // namespace weir::cli
