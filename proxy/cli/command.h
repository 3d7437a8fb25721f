// A command of the program: its name, and how it tells CLI11 what it takes.
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace weir::cli {

/// What the program exits with (contract §4).
enum Exit : int { kDone = 0, kFailed = 1, kWrongUsage = 2, kWrongConfiguration = 3, kChangedByOthers = 4 };

/// Does what a command line asked for, once the whole line was understood; gives the exit code.
using Action = std::function<int()>;

struct Command {
  std::string name;
  std::string purpose;               // one line, for the overview
  Action (*declare)(CLI::App& app);  // adds the command's options to `app`, which outlives the action
};

/// Tells on standard error what is wrong with a command line, in one sentence, and where to look;
/// gives kWrongUsage. `command` is empty for the program as a whole.
int wrong_usage(const std::string& command, const std::string& sentence);

}  // namespace weir::cli
