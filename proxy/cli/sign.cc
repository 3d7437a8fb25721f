#include <fmt/chrono.h>
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <memory>
#include <optional>
#include <string>

#include "config/units.h"
#include "proxy/cli/commands.h"
#include "proxy/cli/configuration.h"
#include "proxy/net/clock.h"
#include "routing/override.h"

namespace weir::cli {
namespace {

constexpr std::chrono::seconds kLongest{std::chrono::days(30)};

struct Options {
  std::string version, service, time = "1h", secret_file;
  bool json = false;
};

int print(const Options& options, const std::string& token, std::chrono::sys_seconds until) {
  const std::string end = fmt::format("{:%FT%TZ}", fmt::gmtime(until.time_since_epoch().count()));
  if (options.json) {
    const boost::json::object object{
        {"service", options.service},        {"version", options.version},        {"until", end}, {"token", token},
        {"header", routing::kOverrideField}, {"cookie", routing::kOverrideCookie}};
    fmt::print("{}\n", boost::json::serialize(object));
    return kDone;
  }
  fmt::print("{}: {}\n", routing::kOverrideField, token);
  fmt::print("Cookie: {}={}\n", routing::kOverrideCookie, token);
  fmt::print(stderr, "good until {}, for {} of {}\n", end, options.version, options.service);
  return kDone;
}

int sign(const Options& options) {
  const auto span = config::parse_duration(options.time);
  if (!span || *span < std::chrono::seconds(1) || *span > kLongest) {
    return wrong_usage("sign", fmt::format("--for `{}` is not a time of 1s to 30d: write 15m, 2h or 7d", options.time));
  }
  for (const std::string& name : {options.service, options.version}) {
    if (name.empty() || name.size() > 64 || name.find(':') != std::string::npos) {
      return wrong_usage("sign", fmt::format("`{}` is not the name of a service or version", name));
    }
  }
  const auto secret = routing::read_override_secret(options.secret_file, {});
  if (!secret) {
    for (const config::Problem& problem : secret.problems()) fmt::print(stderr, "weir sign: {}\n", problem.what);
    return kFailed;
  }
  const auto until = net::wall_clock() + std::chrono::duration_cast<std::chrono::seconds>(*span);
  return print(options, routing::sign_override(*secret, options.service, options.version, until), until);
}

}  // namespace

Action declare_sign(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("VERSION", options->version, "the version that the token forces")->required()->type_name("");
  app.add_option("--service", options->service, "the service that it is of")->required()->type_name("NAME");
  app.add_option("--for", options->time, "how long it is good: 15m, 2h, 7d; at most 30d (1h)")->type_name("TIME");
  app.add_option("--secret-file", options->secret_file, "the file that override.secret_file of the configuration names")
      ->required()
      ->type_name("FILE");
  app.add_flag("--json", options->json, "the token as JSON");
  app.footer(
      R"--(Prints a header and a cookie; whoever sends one of them gets this version until it expires, whatever rules and
shares say. Only a closed version gets nobody. Needs no running weir, only the secret; another secret in the file
and a reload (HUP) end every token of the first.

Examples:
  weir sign new --service shop --for 2h --secret-file /etc/weir/override-secret
  curl -H "$(weir sign new --service shop --secret-file S 2>/dev/null | head -n 1)" http://shop.example/)--");
  return [options] { return sign(*options); };
}

}  // namespace weir::cli
