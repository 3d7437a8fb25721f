// The terminal of the README, section "Changing the split while it runs": every command is run as it stands there, in
// one shell, and prints what stands there.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <regex>
#include <sstream>

#include "tests/support/files.h"
#include "tests/support/origin.h"
#include "tests/support/places.h"
#include "tests/support/program.h"

namespace weir::testing {
namespace {

struct Step {
  std::string command, output;
};

std::string section() {
  const std::string readme = read_file(source_directory() + "/README.md");
  const size_t begin = readme.find("\n## Changing the split while it runs\n");
  EXPECT_NE(begin, std::string::npos);
  return readme.substr(begin, readme.find("\n## ", begin + 5) - begin);
}

/// The first block of this language.
std::string block(const std::string& text, const std::string& language) {
  const std::string fence = "```" + language + "\n";
  const size_t begin = text.find(fence) + fence.size();
  return text.substr(begin, text.find("```", begin) - begin);
}

std::vector<Step> steps_of(const std::string& terminal) {
  std::vector<Step> steps;
  std::istringstream lines(terminal);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("$ "))
      steps.push_back({line.substr(2), ""});
    else
      steps.back().output += line + "\n";
  }
  return steps;
}

std::string replaced(std::string text, const std::vector<std::pair<std::string, std::string>>& pieces) {
  for (const auto& [piece, other] : pieces)
    for (size_t at = text.find(piece); at != std::string::npos; at = text.find(piece, at + other.size()))
      text.replace(at, piece.size(), other);
  return text;
}

/// Without what is different each time: times, how long something took, the host's name, ports, widths of columns; and
/// without the shell's own word on what was killed, which it gives or not, as it happens to hear of it.
std::string settled(std::string text) {
  const std::vector<std::pair<std::string, std::string>> moving{
      {"[^\n]*: line [0-9]+: +[0-9]+ Killed [^\n]*\n", ""},
      {"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", "TIME"},
      {"after [0-9.]+ ms", "after T ms"},
      {"@[A-Za-z0-9_.-]+", "@HOST"},
      {"127[0-9.]+:[0-9]+", "ADDRESS"},
      {"  +", "  "}};
  for (const auto& [pattern, word] : moving) text = std::regex_replace(text, std::regex(pattern), word);
  return text;
}

/// The commands as one script that marks where each one's output begins and keeps `$?`. Behind a program that
/// is started it waits until its admin answers.
std::string script_of(const std::vector<Step>& steps) {
  std::string script;
  for (const Step& step : steps) {
    script += "code=$?; echo '@@'; (exit $code)\n" + step.command + "\n";
    if (step.command.ends_with("&"))
      script += "for i in $(seq 200); do weir status >/dev/null 2>&1 && break; sleep 0.05; done\n";
    if (step.command.starts_with("kill")) script += "wait 2>/dev/null\n";
  }
  return "exec 2>&1\n" + script + "code=$?; kill %% 2>/dev/null; wait 2>/dev/null; exit $code\n";
}

std::vector<std::string> outputs_of(const std::string& marked) {
  std::vector<std::string> outputs;
  std::istringstream lines(marked);
  for (std::string line; std::getline(lines, line);) {
    if (line == "@@")
      outputs.emplace_back();
    else if (!outputs.empty())
      outputs.back() += line + "\n";
  }
  return outputs;
}

TEST(Operate, TheTerminalOfTheReadmeIsWhatOneSees) {
  const Directory directory;
  Origin old_origin(ok("old\n")), new_origin(ok("new\n"));
  const std::string host = own_loopback();
  const std::vector<std::pair<std::string, std::string>> here{
      {"127.0.0.1:8080", fmt::format("{}:{}", host, free_port(host))},
      {"127.0.0.1:9901", fmt::format("{}:{}", host, free_port(host))},
      {"127.0.0.1:9001", old_origin.address()},
      {"127.0.0.1:9002", new_origin.address()},
      {"/var/lib/weir", directory / "state"}};
  std::filesystem::create_directory(directory / "state");
  std::filesystem::create_directory(directory / "bin");
  std::filesystem::create_symlink(weir_program(), directory / "bin/weir");
  write_file(directory / "weir.yaml", replaced(block(section(), "yaml"), here));
  std::vector<Step> steps = steps_of(block(section(), "console"));
  ASSERT_GE(steps.size(), 12u);
  for (Step& step : steps) step.command = replaced(step.command, here);
  write_file(directory / "script", script_of(steps));

  const Finished finished = run("/usr/bin/bash", {directory / "script"},
                                {.environment = {{"PATH", directory / "bin:/usr/bin:/bin"},
                                                 {"WEIR_ADMIN", here[1].second},
                                                 {"USER", "max"},
                                                 {"TZ", "UTC"}},
                                 .input = "",
                                 .directory = directory.path()},
                                kPatience * 6);
  const std::vector<std::string> seen = outputs_of(finished.output);
  ASSERT_EQ(seen.size(), steps.size()) << finished.output << read_file(directory / "weir.log");
  for (size_t i = 0; i < steps.size(); ++i)
    EXPECT_EQ(settled(seen[i]), settled(replaced(steps[i].output, here)))
        << "$ " << steps[i].command << "\n"
        << seen[i] << read_file(directory / "weir.log");
}

}  // namespace
}  // namespace weir::testing
