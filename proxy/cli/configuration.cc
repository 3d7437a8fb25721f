#include "proxy/cli/configuration.h"

#include <fmt/core.h>
#include <unistd.h>

#include <chrono>

#include "config/parse.h"
#include "proxy/cli/terminal.h"

namespace weir::cli {
namespace {

void print_warnings(const config::Warnings& warnings) {
  for (const config::Problem& warning : warnings) {
    fmt::print(stderr, "warning: {}\n", warning.text());
  }
}

std::chrono::nanoseconds monotonic_time() { return std::chrono::steady_clock::now().time_since_epoch(); }

}  // namespace

void print_problems(const config::Problems& problems) {
  for (const config::Problem& problem : problems) {
    fmt::print(stderr, "{}\n", alarming(problem.text(), STDERR_FILENO));
  }
}

std::shared_ptr<const routing::Snapshot> load_and_compile(const std::string& path, Warn warn) {
  auto loaded = config::load(path);
  if (!loaded) {
    print_problems(loaded.problems());
    return nullptr;
  }
  auto config = std::make_shared<const config::Config>(std::move(loaded->config));
  auto compiled = routing::compile(std::move(config), monotonic_time);
  if (!compiled) {
    print_problems(compiled.problems());
    return nullptr;
  }
  if (warn == Warn::yes) {
    print_warnings(loaded->warnings);
    print_warnings(compiled->warnings);
  }
  return compiled->snapshot;
}

}  // namespace weir::cli
