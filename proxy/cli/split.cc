#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "config/config.h"
#include "proxy/cli/commands.h"
#include "proxy/cli/outcome.h"
#include "proxy/cli/running.h"
#include "proxy/cli/split_text.h"
#include "proxy/cli/terminal.h"
#include "proxy/cli/text_table.h"

namespace weir::cli {
namespace {

namespace json = boost::json;

struct ShowOptions {
  std::string service;
};

struct SetOptions {
  std::string service, reason;
  std::vector<std::string> shares;  // `new=25%`
  std::optional<uint64_t> if_revision;
  bool dry_run = false;
};

struct Options {
  Running running;
  ShowOptions show;
  SetOptions set;
};

std::string split_path(const std::string& service) { return "/api/v1/services/" + encoded(service) + "/split"; }

/// The splits of these services, one question each; or the exit code.
std::variant<std::vector<json::value>, int> read_splits(const Running& running, std::vector<std::string> services) {
  const std::string command = "split show";
  if (services.empty()) {
    const auto asked = ask_running(running, command, {.target = "/api/v1/services"});
    if (const int* code = std::get_if<int>(&asked)) return *code;
    const json::value& all = std::get<Answer>(asked).json;
    for (const json::value& one : array_of(all.as_object(), "services")) {
      services.push_back(text_of(one.as_object(), "name"));
    }
  }
  std::vector<json::value> splits;
  for (const std::string& service : services) {
    auto asked = ask_running(running, command, {.target = split_path(service)});
    if (const int* code = std::get_if<int>(&asked)) return *code;
    splits.push_back(std::move(std::get<Answer>(asked).json));
  }
  return splits;
}

/// What a row has no room for.
void print_notes(const json::object& split) {
  const std::string service = text_of(split, "service");
  if (flag_of(split, "closed")) {
    fmt::print("{}\n", alarming(fmt::format("{} was rolled back and its candidate is closed, rules included; "
                                            "`weir reopen {}` to try again",
                                            service, service),
                                STDOUT_FILENO));
  }
  if (flag_of(split, "differs_from_file")) {
    fmt::print("{}: the file says {}; what was changed at run time stands until the file's split is edited\n", service,
               shares_text(split.at("in_file")));
  }
}

int show(const Running& running, const ShowOptions& options) {
  std::vector<std::string> services;
  if (!options.service.empty()) services.push_back(options.service);
  const auto read = read_splits(running, services);
  if (const int* code = std::get_if<int>(&read)) return *code;
  const auto& splits = std::get<std::vector<json::value>>(read);
  if (running.json) {
    const bool one = !options.service.empty();
    const json::value all = one ? splits.front() : json::object{{"splits", json::array(splits.begin(), splits.end())}};
    fmt::print("{}\n", json::serialize(all));
    return kDone;
  }
  TextTable table({{"SERVICE"}, {"REVISION", TextTable::Align::right}, {"SHARES"}, {"CHANGED"}, {"BY"}, {"WHY"}});
  for (const json::value& value : splits) {
    const json::object& split = value.as_object();
    const json::object& last = object_of(split, "last");
    table.add({text_of(split, "service"), fmt::format("{:.0f}", number_of(split, "revision")),
               shares_text(split.at("shares")), last.empty() ? "never" : local_time(text_of(last, "at")),
               author_text(last), text_of(last, "reason")});
  }
  fmt::print("{}", table.text());
  for (const json::value& split : splits) print_notes(split.as_object());
  return kDone;
}

/// The revision that the split has now; or the exit code.
std::variant<uint64_t, int> read_revision(const Running& running, const std::string& service) {
  const auto asked = ask_running(running, "split set", {.target = split_path(service)});
  if (const int* code = std::get_if<int>(&asked)) return *code;
  return static_cast<uint64_t>(number_of(std::get<Answer>(asked).json.as_object(), "revision"));
}

/// `new=25%` … as the API takes them; or what is wrong with them.
std::variant<json::object, std::string> read_shares(const std::vector<std::string>& words) {
  json::object shares;
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    if (equals == 0 || equals == std::string::npos) return fmt::format("`{}` is no share: write new=25%", word);
    const std::string version = word.substr(0, equals), share = word.substr(equals + 1);
    if (!config::parse_share(share)) {
      return fmt::format("`{}` is no share: write {}=25%, 0% to 100% with at most four decimals", word, version);
    }
    if (shares.contains(version)) return fmt::format("{} is named twice", version);
    shares[version] = share;
  }
  return shares;
}

int set(const Running& running, const SetOptions& options) {
  auto shares = read_shares(options.shares);
  if (const auto* wrong = std::get_if<std::string>(&shares)) return wrong_usage("split set", *wrong);
  uint64_t revision = options.if_revision.value_or(0);
  if (!options.if_revision) {
    const auto read = read_revision(running, options.service);
    if (const int* code = std::get_if<int>(&read)) return *code;
    revision = std::get<uint64_t>(read);
  }
  json::object body{{"shares", std::get<json::object>(std::move(shares))}};
  if (!options.reason.empty()) body["reason"] = options.reason;
  const AdminRequest request{
      .method = "PUT",
      .target = split_path(options.service) + (options.dry_run ? "?dry_run=true" : ""),
      .fields = {{"If-Match", fmt::format("\"{}\"", revision)}, {"X-Weir-Actor", actor_of(running)}},
      .body = json::serialize(body)};
  return change(running, {"split set", options.service}, request);
}

}  // namespace

Action declare_split(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.require_subcommand(1);
  add_running_options(app, options->running, Changes::yes);
  CLI::App* showing = app.add_subcommand("show", "shares, revision, and who changed them last");
  add_running_options(*showing, options->running, Changes::no);
  showing->add_option("SERVICE", options->show.service, "the service (all)")->type_name("");
  CLI::App* setting = app.add_subcommand("set", "change the shares of a service now");
  add_running_options(*setting, options->running, Changes::yes);
  SetOptions& set_options = options->set;
  setting->add_option("SERVICE", set_options.service, "the service")->required()->type_name("");
  setting->add_option("SHARE", set_options.shares, "VERSION=SHARE, as new=25%; the version not named gets the rest")
      ->required()
      ->type_name("");
  setting->add_option("--reason", set_options.reason, "why, for the history")->type_name("TEXT");
  setting->add_option("--if-revision", set_options.if_revision, "only if the split still has this revision")
      ->type_name("N");
  setting->add_flag("--dry-run", set_options.dry_run, "tell what would happen, and change nothing");
  setting->footer(
      R"(Answers when every worker decides by the new shares. Without --if-revision the revision is read first: whoever
changes the split in between wins, and this exits 4 and shows theirs.

Examples:
  weir split set shop new=25% --dry-run
  weir split set shop new=25% --reason "looks fine")");
  app.footer(R"(Examples:
  weir split show
  weir split set shop new=25% --reason "looks fine"
  weir split set shop new=0% --if-revision 8)");
  return [options, showing] {
    return showing->parsed() ? show(options->running, options->show) : set(options->running, options->set);
  };
}

}  // namespace weir::cli
