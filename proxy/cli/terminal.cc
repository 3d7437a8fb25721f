#include "proxy/cli/terminal.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdlib>

namespace weir::cli {

bool is_terminal(int descriptor) {
  const char* term = std::getenv("TERM");
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  return isatty(descriptor) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

std::string alarming(std::string_view text, int descriptor) {
  return is_terminal(descriptor) ? fmt::format("\x1b[1;31m{}\x1b[0m", text) : std::string(text);
}

}  // namespace weir::cli
