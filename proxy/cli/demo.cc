#include "proxy/demo/demo.h"

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "config/config.h"
#include "proxy/cli/commands.h"
#include "proxy/cli/terminal.h"

namespace weir::cli {
namespace {

int run_demo(demo::Options options) {
  for (const std::string& address : {options.edge, options.admin}) {
    if (!address.empty() && !config::parse_address(address)) {
      return wrong_usage("demo", fmt::format("`{}` is not an address: write 127.0.0.1:8080", address));
    }
  }
  if (options.smoke && !options.config_file.empty()) {
    return wrong_usage("demo",
                       "--smoke edits the configuration that it runs on, and takes a temporary one: no --config");
  }
  options.terminal = is_terminal(STDOUT_FILENO);
  return demo::run(options);
}

}  // namespace

Action declare_demo(CLI::App& app) {
  const auto options = std::make_shared<demo::Options>();
  app.add_option("--edge", options->edge, "where weir listens (127.0.0.1:8080)")->type_name("ADDRESS");
  app.add_option("--admin", options->admin, "where its metrics and API are (127.0.0.1:9901)")->type_name("ADDRESS");
  app.add_option("--config", options->config_file,
                 "the configuration to run on; written if it is not there (a temporary one)")
      ->type_name("FILE");
  app.add_option("--visitors", options->visitors, "requests a second that the demo sends itself (1000)")
      ->type_name("N")
      ->check(CLI::Range(0U, 100'000U).description(""));
  app.add_flag("--smoke", options->smoke, "send 1,000 users, check where each one went, change the share, and end");
  app.footer(
      R"(Starts two small servers, an old and a new version of a shop, and weir in front of them; prints what to try
with curl, and a live line per version. Ctrl-C ends it.

Examples:
  weir demo
  weir demo --edge 127.0.0.1:8081 --admin 127.0.0.1:9902     where 8080 or 9901 is taken
  weir demo --config demo.yaml                               with a file to keep)");
  return [options] { return run_demo(*options); };
}

}  // namespace weir::cli
