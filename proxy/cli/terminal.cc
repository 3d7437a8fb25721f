#include "proxy/cli/terminal.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace weir::cli {

bool is_terminal(int descriptor) {
  const char* term = std::getenv("TERM");
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  return isatty(descriptor) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

size_t columns_of(int descriptor) {
  winsize size{};
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string cut_to(size_t columns, std::string_view text) {
  std::string cut;
  size_t in_line = 0;
  for (const char c : text) {
    const bool continues = (static_cast<unsigned char>(c) & 0xc0) == 0x80;  // of a character in UTF-8
    if (c == '\n') {
      in_line = 0;
    } else if (!continues) {
      ++in_line;
    }
    if (c == '\n' || in_line <= columns) cut += c;
  }
  return cut;
}

std::string alarming(std::string_view text, int descriptor) {
  return is_terminal(descriptor) ? fmt::format("\x1b[1;31m{}\x1b[0m", text) : std::string(text);
}

}  // namespace weir::cli
