#include "proxy/cli/command_line.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>

#include "config/nearest.h"

namespace weir::cli {
namespace {

constexpr const char* kOverview =
    R"(weir: an edge proxy that sends each request to the old or the new version of a service)";

constexpr const char* kExamples = R"(Examples:
  weir demo                                      see it work, without any configuration
  weir check -c weir.yaml                        every error of a file, with line and column
  weir run -c weir.yaml                          serve
  weir split set shop new=25% --dry-run          what a change would do; without --dry-run: do it
  weir rollback shop                             nobody on the new version any more, now
  weir explain -H 'Cookie: uid=u1' http://shop.example/      why this user gets this version
  weir history shop                              who changed what, when and why

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the configuration is wrong, 4 somebody else changed it first.
--admin ADDRESS (WEIR_ADMIN, 127.0.0.1:9901) names the running weir; options may stand anywhere on the line.
`weir COMMAND --help` tells what a command takes. `weir -t -c FILE` is `weir check -c FILE`.)";

bool is_command(std::span<const Command> commands, std::string_view word) {
  return std::any_of(commands.begin(), commands.end(), [&](const Command& command) { return command.name == word; });
}

std::string did_you_mean(std::span<const Command> commands, std::string_view word) {
  std::vector<std::string> names;
  for (const Command& command : commands) names.push_back(command.name);
  const std::string nearest = config::nearest(word, names);
  return nearest.empty() ? "" : fmt::format("; did you mean `{}`?", nearest);
}

/// Why no command can be found in these words; nothing if one can, or if there are none.
std::optional<std::string> refusal_of(std::span<const Command> commands, std::span<const std::string> args) {
  const std::string word = args.empty() ? "" : args.front();
  if (word.empty() || word.front() == '-' || is_command(commands, word)) return std::nullopt;
  return fmt::format("there is no command `{}`{}", word, did_you_mean(commands, word));
}

/// Puts the command first, wherever it stands among the options that precede it. `-t` is `check`,
/// `help COMMAND` is `COMMAND --help`, `--version` is `version`.
void put_command_first(std::span<const Command> commands, std::vector<std::string>& args) {
  if (args.empty() || args.front().empty()) return;
  if (args.front() == "--version" || args.front() == "-V") args.front() = "version";
  if (args.front() == "help") {
    args.erase(args.begin());
    args.push_back("--help");
  }
  if (args.front().front() != '-') return;
  const auto command =
      std::find_if(args.begin(), args.end(), [&](const std::string& word) { return is_command(commands, word); });
  if (command != args.end()) {
    std::rotate(args.begin(), command, command + 1);
    return;
  }
  const auto test = std::find(args.begin(), args.end(), "-t");
  if (test == args.end()) return;
  args.erase(test);
  args.insert(args.begin(), "check");
}

/// CLI11's complaint as a sentence of ours.
std::string sentence_of(const CLI::ParseError& error) {
  std::string what = error.what();
  if (what == "A subcommand is required") return "a word is missing: show or set";
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kReworded{{
      {"The following argument was not expected: ", "this is not an option or argument of it: "},
      {"The following arguments were not expected: ", "these are not options or arguments of it: "},
  }};
  for (const auto& [from, to] : kReworded) {
    if (what.starts_with(from)) return std::string(to) + what.substr(from.size());
  }
  return what;
}

/// The command that the line named, such as `split set`, as far as CLI11 got; else empty.
std::string chosen_name(const CLI::App& program) {
  std::string name;
  const CLI::App* app = &program;
  for (auto chosen = app->get_subcommands(); !chosen.empty(); chosen = app->get_subcommands()) {
    app = chosen.front();
    name += (name.empty() ? "" : " ") + app->get_name();
  }
  return name;
}

void describe(CLI::App& app) {
  app.name("weir");
  app.footer(kExamples);
  app.get_formatter()->column_width(30);
  app.get_formatter()->label("REQUIRED", "(required)");
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.set_help_flag("-h,--help", "print this help");
}

}  // namespace

int wrong_usage(const std::string& command, const std::string& sentence) {
  const std::string name = command.empty() ? "weir" : "weir " + command;
  fmt::print(stderr, "{}: {}\ntry: {} --help\n", name, sentence, name);
  return kWrongUsage;
}

int run_program(std::span<const Command> commands, std::vector<std::string> args) {
  put_command_first(commands, args);
  if (const auto refusal = refusal_of(commands, args)) return wrong_usage("", *refusal);

  CLI::App app{kOverview};
  describe(app);
  std::map<const CLI::App*, Action> actions;
  for (const Command& command : commands) {
    CLI::App* sub = app.add_subcommand(command.name, command.purpose);
    sub->group("Commands");
    actions[sub] = command.declare(*sub);
  }
  if (args.empty()) {
    fmt::print(stderr, "{}\n", app.help());
    return kWrongUsage;
  }
  try {
    std::reverse(args.begin(), args.end());  // as CLI11 takes them
    app.parse(args);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}\n", app.help());  // of the command that was named, if one was
    return kDone;
  } catch (const CLI::ParseError& error) {
    return wrong_usage(chosen_name(app), sentence_of(error));
  }
  const auto chosen = app.get_subcommands();
  if (chosen.empty()) return wrong_usage("", "a command is missing");
  return actions.at(chosen.front())();
}

}  // namespace weir::cli
