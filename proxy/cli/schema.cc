#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "config/parse.h"
#include "proxy/cli/commands.h"

namespace weir::cli {

Action declare_schema(CLI::App& app) {
  app.footer(R"(For editors that complete and check YAML as it is typed:
  weir schema > weir.schema.json
  # yaml-language-server: $schema=weir.schema.json       (first line of weir.yaml))");
  return [] {
    std::string schema = config::schema();
    if (schema.empty() || schema.back() != '\n') schema += '\n';
    fmt::print("{}", schema);
    return static_cast<int>(kDone);
  };
}

}  // namespace weir::cli
