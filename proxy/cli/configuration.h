// Loading a configuration for a command: problems and warnings go to standard error.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "config/problem.h"
#include "routing/snapshot.h"

namespace weir::cli {

/// Each problem on a line of its own, `file:line:column: what`, on standard error.
void print_problems(const config::Problems& problems);

/// True if this file loads and compiles; prints nothing.
bool is_sound(const std::string& path);

/// Loads and compiles as `weir run` does. Prints warnings if asked; prints every problem, and is
/// empty then.
enum class Warn { no, yes };
std::shared_ptr<const routing::Snapshot> load_and_compile(const std::string& path, Warn warn);

}  // namespace weir::cli
