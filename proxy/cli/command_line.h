// From the words of a command line to the command that they name.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "proxy/cli/command.h"

namespace weir::cli {

/// Understands `args` (without the program's name) by the table and does what they ask for.
/// Options may stand before the command; `-t` alone means `check`. Gives the exit code.
int run_program(std::span<const Command> commands, std::vector<std::string> args);

}  // namespace weir::cli
