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
      {"reload", "check a configuration file, and have the running weir load it", declare_reload},
      {"upgrade", "have the running weir start its program anew and hand over to it", declare_upgrade},
      {"demo", "serve two built-in origins, an old and a new one, and show the split", declare_demo},
      {"explain", "tell which version a request goes to, and why", declare_explain},
      {"split", "show or change the shares of a running weir", declare_split},
      {"rollout", "let a candidate's share climb by itself, and see why it does", declare_rollout},
      {"feedback", "list what users say of a service's versions, newest first", declare_feedback},
      {"rollback", "take a candidate to 0% now, and close it", declare_rollback},
      {"reopen", "open a candidate that was rolled back, at 0%", declare_reopen},
      {"revert", "go back to the shares of an earlier revision", declare_revert},
      {"history", "list the changes of a running weir's splits, newest first", declare_history},
      {"status", "show the versions of a running weir: requests, errors, latency, endpoints", declare_status},
      {"bucket", "compute the bucket of cohort keys", declare_bucket},
      {"sign", "sign a token that forces a version, for tests", declare_sign},
      {"schema", "print the JSON Schema of the configuration file", declare_schema},
      {"version", "print the version, the compiler and the libraries", declare_version},
      {"man", "print the manual page", declare_man},
      {"completion", "print a completion script for bash, zsh or fish", declare_completion},
  };
  return run_program(commands, std::vector<std::string>(argv + 1, argv + argc));
}
