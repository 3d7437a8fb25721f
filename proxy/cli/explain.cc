#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/cli/commands.h"
#include "proxy/cli/configuration.h"
#include "proxy/cli/running.h"
#include "proxy/cli/split_text.h"
#include "proxy/http/imagined_request.h"
#include "routing/explain.h"

namespace weir::cli {
namespace {

struct Options {
  std::string file;
  Running running;
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
    case http::Complaint::Part::client_cert_fingerprint:
      return "--client-cert-fingerprint ";
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

void print_note(std::string_view note) { fmt::print(stderr, "note: {}\n", note); }

/// By the snapshot that a running weir has in force.
int explain_live(const Running& running, const http::Wish& wish) {
  boost::json::object body{{"method", wish.method},
                           {"url", wish.url},
                           {"from", wish.from},
                           {"headers", boost::json::array(wish.headers.begin(), wish.headers.end())}};
  const auto add_if_named = [&](const char* key, const std::string& value) {
    if (!value.empty()) body[key] = value;
  };
  add_if_named("listener", wish.listener);
  add_if_named("client_cert_subject", wish.client_cert_subject);
  add_if_named("client_cert_fingerprint", wish.client_cert_fingerprint);
  const AdminRequest request{
      .method = "POST", .target = "/api/v1/explain", .fields = {}, .body = boost::json::serialize(body)};
  const auto asked = ask_running(running, "explain", request);
  if (const int* code = std::get_if<int>(&asked)) return *code;
  const Answer& answer = std::get<Answer>(asked);
  if (running.json) return print_json(answer);
  if (!answer.json.is_object()) return failed("explain", "the answer is no object", "is it weir's admin?");
  for (const boost::json::value& note : array_of(answer.json.as_object(), "notes")) {
    if (note.is_string()) print_note(note.as_string());
  }
  fmt::print("{}\n", text_of(answer.json.as_object(), "text"));
  return kDone;
}

int explain(const Options& options) {
  if (const auto complaint = complaint_of(options.wish)) {
    return wrong_usage("explain", fmt::format("{}{}", word_for(complaint->part), complaint->what));
  }
  if (options.file.empty()) return explain_live(options.running, options.wish);
  const auto snapshot = load_and_compile(options.file, Warn::no);
  if (!snapshot) return kWrongConfiguration;
  const config::Listener* listener = http::listener_of(*snapshot->config, options.wish.listener);
  if (listener == nullptr) {
    return wrong_usage("explain", fmt::format("{} has no listener `{}`", options.file, options.wish.listener));
  }
  const http::ImaginedRequest request(options.wish, *listener);
  for (const std::string& note : request.notes()) print_note(note);
  print(routing::explain(*snapshot, request.view(), routing::Availability{}, http::throw_dice()), options.running.json);
  return kDone;
}

}  // namespace

Action declare_explain(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  http::Wish& wish = options->wish;
  app.add_option("-c,--config", options->file, "decide by this file, without a running weir")->type_name("FILE");
  app.add_option("--from", wish.from, "the address that the request comes from (127.0.0.1)")->type_name("IP");
  app.add_option("--listener", wish.listener, "the listener it arrives at (the first)")->type_name("NAME");
  app.add_option("-X,--request", wish.method, "the method (GET)")->type_name("METHOD");
  app.add_option("-H,--header", wish.headers, "a header of the request; may be repeated")
      ->type_name("'Name: value'")
      ->allow_extra_args(false);
  app.add_option("--client-cert-subject", wish.client_cert_subject,
                 "the subject of the certificate that the client shows")
      ->type_name("CN=alice,O=Shop");
  app.add_option("--client-cert-fingerprint", wish.client_cert_fingerprint, "and its SHA-256")->type_name("HEX");
  app.add_option("URL", wish.url, "what is asked for, such as http://shop.example/cart")->required()->type_name("");
  add_running_options(app, options->running, Changes::no);
  app.footer(
      R"(Decides as the running weir would for this request, and tells each step; with -c as a weir with that file would,
all endpoints up. The listener's trusted_proxies are honoured: from anybody else trusted_headers are dropped and
X-Forwarded-For is not believed.

Examples:
  weir explain -H 'Cookie: uid=7f3a9c2e' http://shop.example/
  weir explain -c weir.yaml -H 'Cookie: uid=7f3a9c2e' http://shop.example/
  weir explain --listener https --client-cert-subject CN=alice,O=Shop https://shop.example/
  weir explain -c weir.yaml --from 192.0.2.7 -X POST http://shop.example/cart
  weir explain -c weir.yaml -H 'X-User-Id: u1' --json http://shop.example/ | jq .)");
  return [options] { return explain(*options); };
}

}  // namespace weir::cli
