// weir: one program, and the table of its commands.
#include <string>
#include <vector>

#include "proxy/cli/command_line.h"
#include "proxy/cli/commands.h"

int main(int argc, char** argv) {
  using namespace weir::cli;
  const std::vector<Command> commands{
      {"run", "serve what a configuration file says", declare_run},
      {"check", "load a configuration file and tell every error in it", declare_check},
      {"demo", "serve two built-in origins, an old and a new one, and show the split", declare_demo},
      {"explain", "tell which version a request goes to, and why", declare_explain},
      {"bucket", "compute the bucket of cohort keys", declare_bucket},
      {"schema", "print the JSON Schema of the configuration file", declare_schema},
      {"version", "print the version, the compiler and the libraries", declare_version},
      {"completion", "print a completion script for bash, zsh or fish", declare_completion},
  };
  return run_program(commands, std::vector<std::string>(argv + 1, argv + argc));
}
