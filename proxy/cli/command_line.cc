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

/// Commands of contract §4 that have a name but no code.
constexpr std::array<std::string_view, 5> kNotBuiltYet{"split", "rollback", "reopen", "status", "history"};

constexpr const char* kOverview =
    R"(weir: an edge proxy that sends each request to the old or the new version of a service)";

constexpr const char* kExamples = R"(Examples:
  weir demo                                      see it work, without any configuration
  weir check -c weir.yaml                        every error of a file, with line and column
  weir run -c weir.yaml                          serve
  weir explain -c weir.yaml -H 'X-User-Id: u1' http://shop.example/
  weir bucket --salt shop-2026-11 user-1         the bucket of a user

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the configuration is wrong.
`weir COMMAND --help` tells what a command takes. `weir -t -c FILE` is `weir check -c FILE`.)";

bool is_not_built_yet(std::string_view word) {
  return std::find(kNotBuiltYet.begin(), kNotBuiltYet.end(), word) != kNotBuiltYet.end();
}

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
  if (is_not_built_yet(word)) return fmt::format("`{}` is not built yet", word);
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
  auto command = std::find_if(args.begin(), args.end(), [&](const std::string& word) {
    return is_command(commands, word) || is_not_built_yet(word);
  });
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
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kReworded{{
      {"The following argument was not expected: ", "this is not an option or argument of it: "},
      {"The following arguments were not expected: ", "these are not options or arguments of it: "},
  }};
  for (const auto& [from, to] : kReworded) {
    if (what.starts_with(from)) return std::string(to) + what.substr(from.size());
  }
  return what;
}

/// The command that the line named, as far as CLI11 got; else empty.
std::string chosen_name(const CLI::App& program) {
  const auto chosen = program.get_subcommands();
  return chosen.empty() ? "" : chosen.front()->get_name();
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
