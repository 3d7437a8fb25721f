// YAML text -> Config, with every problem told by line and column.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace weir::config {

/// What a configuration says that works but is probably not meant.
using Warnings = Problems;

struct Loaded {
  Config config;
  Warnings warnings;
};

/// Parses and validates `text`; `file` is the name used in problems. Pure.
Result<Loaded> parse(std::string_view text, const std::string& file);

/// Reads the file and parses it; a file that cannot be read is a problem like any other.
Result<Loaded> load(const std::string& path);

/// The JSON Schema (draft 2020-12) of the file, made from the same table that the binder uses.
std::string schema();

/// Every key that the file may hold, as a path: `listeners[].address`, `services[].versions.*.balance`
/// (`[]` an item of a list, `*` a name of the operator's). Conditions within `not` are not told again.
std::vector<std::string> schema_paths();

}  // namespace weir::config
