// The manual page: made of the program's own tables, so it renders and names every command and option.
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "tests/support/files.h"
#include "tests/support/places.h"
#include "tests/support/program.h"

namespace weir::testing {
namespace {

/// What the page reads like on a screen, without the marks of bold and underlined.
std::string rendered() {
  const Directory directory;
  write_file(directory / "weir.1", run(weir_program(), {"man"}).output);
  const Finished page =
      run("/usr/bin/groff", {"-k", "-man", "-Tutf8", "-ww", "-P-c", "-P-b", "-P-u", "-rLL=200n", directory / "weir.1"},
          {.environment = {{"LC_ALL", "C.UTF-8"}}, .input = "", .directory = {}});
  EXPECT_EQ(page.code, 0);
  EXPECT_EQ(page.errors, "");
  return std::regex_replace(page.output, std::regex("\u2010|\u2212"), "-");
}

/// The commands that `weir --help` lists.
std::set<std::string> commands() {
  const std::string help = run(weir_program(), {"--help"}).output;
  const std::string list = help.substr(help.find("Commands:\n"), help.find("\n\nExamples") - help.find("Commands:\n"));
  std::set<std::string> names;
  const std::regex line("\n  ([a-z]+) ");
  for (std::sregex_iterator at(list.begin(), list.end(), line), end; at != end; ++at) names.insert((*at)[1]);
  return names;
}

TEST(Man, RendersWithoutAWarningAndHasEveryCommand) {
  const std::string page = rendered();
  std::set<std::string> told;
  const std::regex heading("\n   weir ([a-z]+)( [a-z]+)?\n");
  for (std::sregex_iterator at(page.begin(), page.end(), heading), end; at != end; ++at) told.insert((*at)[1]);
  EXPECT_GE(told.size(), 15u);
  EXPECT_EQ(told, commands()) << page;
  for (const char* word : {"weir split set", "weir split show", "--dry-run", "--if-revision N", "EXIT STATUS",
                           "somebody else changed it first", "WEIR_ADMIN", "weir split set shop new=25% --dry-run"}) {
    EXPECT_NE(page.find(word), std::string::npos) << word << " in\n" << page;
  }
}

TEST(Man, HasEveryOptionOfEveryCommand) {
  const std::string page = rendered();
  for (const std::string& command : commands()) {
    const std::string help = run(weir_program(), {command, "--help"}).output;
    const std::regex option("\n +[^ ]*(--[a-z-]+)");
    for (std::sregex_iterator at(help.begin(), help.end(), option), end; at != end; ++at)
      EXPECT_NE(page.find((*at)[1]), std::string::npos) << command << " " << (*at)[1];
  }
}

}  // namespace
}  // namespace weir::testing
