#include "proxy/cli/configuration.h"

#include <fmt/core.h>
#include <unistd.h>

#include <chrono>

#include "config/parse.h"
#include "proxy/cli/terminal.h"
#include "proxy/control/keyring.h"

namespace weir::cli {
namespace {

void print_warnings(const config::Warnings& warnings) {
  for (const config::Problem& warning : warnings) {
    fmt::print(stderr, "warning: {}\n", warning.text());
  }
}

std::chrono::nanoseconds monotonic_time() { return std::chrono::steady_clock::now().time_since_epoch(); }

/// What there is to warn of is added to `warnings`.
config::Result<std::shared_ptr<const routing::Snapshot>> compiled(const std::string& path, config::Warnings& warnings) {
  auto loaded = config::load(path);
  if (!loaded) return loaded.problems();
  auto config = std::make_shared<const config::Config>(std::move(loaded->config));
  auto compiled = routing::compile(std::move(config), monotonic_time);
  if (!compiled) return compiled.problems();
  warnings = std::move(loaded->warnings);
  warnings.insert(warnings.end(), compiled->warnings.begin(), compiled->warnings.end());
  return std::shared_ptr<const routing::Snapshot>(std::move(compiled->snapshot));
}

}  // namespace

void print_problems(const config::Problems& problems) {
  for (const config::Problem& problem : problems) {
    fmt::print(stderr, "{}\n", alarming(problem.text(), STDERR_FILENO));
  }
}

bool is_sound(const std::string& path) {
  config::Warnings warnings;
  const auto snapshot = compiled(path, warnings);
  return snapshot && control::Keysmith().make(*(*snapshot)->config, {}, net::Dates::are_told);
}

std::shared_ptr<const routing::Snapshot> load_and_compile(const std::string& path, Warn warn) {
  config::Warnings warnings;
  const auto snapshot = compiled(path, warnings);
  if (!snapshot) {
    print_problems(snapshot.problems());
    return nullptr;
  }
  if (warn == Warn::yes) print_warnings(warnings);
  return *snapshot;
}

}  // namespace weir::cli
