#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/cli/commands.h"
#include "proxy/cli/configuration.h"
#include "proxy/http/imagined_request.h"
#include "routing/explain.h"

namespace weir::cli {
namespace {

struct Options {
  std::string file;
  bool json = false;
  http::Wish wish;
};

/// How the command line names a part of the request.
std::string_view word_for(http::Complaint::Part part) {
  switch (part) {
    case http::Complaint::Part::from:
      return "--from ";
    case http::Complaint::Part::method:
      return "-X ";
    case http::Complaint::Part::headers:
      return "-H ";
    case http::Complaint::Part::url:
      break;
  }
  return "";
}

void print(const routing::Explanation& explanation, bool json) {
  std::string text = json ? explanation.json() : explanation.text();
  if (text.empty() || text.back() != '\n') text += '\n';
  fmt::print("{}", text);
}

int explain(const Options& options) {
  if (options.file.empty()) {
    return wrong_usage("explain", "asking a running weir is not built yet: name a configuration file with -c FILE");
  }
  if (const auto complaint = complaint_of(options.wish)) {
    return wrong_usage("explain", fmt::format("{}{}", word_for(complaint->part), complaint->what));
  }
  const auto snapshot = load_and_compile(options.file, Warn::no);
  if (!snapshot) return kWrongConfiguration;
  const config::Listener* listener = http::listener_of(*snapshot->config, options.wish.listener);
  if (listener == nullptr) {
    return wrong_usage("explain", fmt::format("{} has no listener `{}`", options.file, options.wish.listener));
  }
  const http::ImaginedRequest request(options.wish, *listener);
  for (const std::string& note : request.notes()) fmt::print(stderr, "note: {}\n", note);
  print(routing::explain(*snapshot, request.view(), routing::Availability{}, http::throw_dice()), options.json);
  return kDone;
}

}  // namespace

Action declare_explain(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  http::Wish& wish = options->wish;
  app.add_option("-c,--config", options->file, "the configuration file")->type_name("FILE");
  app.add_option("--from", wish.from, "the address that the request comes from (127.0.0.1)")->type_name("IP");
  app.add_option("--listener", wish.listener, "the listener it arrives at (the first)")->type_name("NAME");
  app.add_option("-X,--request", wish.method, "the method (GET)")->type_name("METHOD");
  app.add_option("-H,--header", wish.headers, "a header of the request; may be repeated")
      ->type_name("'Name: value'")
      ->allow_extra_args(false);
  app.add_option("URL", wish.url, "what is asked for, such as http://shop.example/cart")->required()->type_name("");
  app.add_flag("--json", options->json, "the decision and its trace as JSON");
  app.footer(
      R"(Decides as weir would for this request, with all endpoints up, and tells each step. The listener's trusted_proxies
are honoured: from anybody else trusted_headers are dropped and X-Forwarded-For is not believed.

Examples:
  weir explain -c weir.yaml -H 'Cookie: uid=7f3a9c2e' http://shop.example/
  weir explain -c weir.yaml --from 192.0.2.7 -X POST http://shop.example/cart
  weir explain -c weir.yaml -H 'X-User-Id: u1' --json http://shop.example/ | jq .)");
  return [options] { return explain(*options); };
}

}  // namespace weir::cli
