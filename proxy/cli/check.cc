#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "proxy/cli/commands.h"
#include "proxy/cli/configuration.h"
#include "proxy/cli/stage_times.h"
#include "proxy/control/keyring.h"

namespace weir::cli {
namespace {

void warn(const config::Problems& warnings) {
  for (const config::Problem& warning : warnings) fmt::print(stderr, "warning: {}\n", warning.text());
}

int check(const std::string& file) {
  const auto snapshot = load_and_compile(file, Warn::yes);
  if (!snapshot) return kWrongConfiguration;
  const auto keyring = control::Keysmith().make(*snapshot->config, {}, net::Dates::must_hold);
  if (!keyring) {
    print_problems(keyring.problems());
    return kWrongConfiguration;
  }
  warn(keyring->warnings);
  warn(slow_stages(*snapshot->config));
  fmt::print("{}: ok\n", file);
  return kDone;
}

}  // namespace

Action declare_check(CLI::App& app) {
  const auto file = std::make_shared<std::string>();
  app.add_option("-c,--config", *file, "the configuration file")->required()->type_name("FILE");
  app.footer(
      R"(Loads the file as `weir run` would. Prints `FILE: ok`, or every error as `FILE:LINE:COLUMN: what is wrong`
and exits 3. Warnings do not make it fail.

Examples:
  weir check -c /etc/weir/weir.yaml
  weir -t -c /etc/weir/weir.yaml)");
  return [file] { return check(*file); };
}

}  // namespace weir::cli
