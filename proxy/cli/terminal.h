// Whether somebody looks, and how wide: colours and redrawing are for terminals only.
#pragma once

#include <string>
#include <string_view>

namespace weir::cli {

/// A terminal that takes colours: not a file or a pipe, TERM is not `dumb`, NO_COLOR is not set.
bool is_terminal(int descriptor);

/// `text` in bold red if `descriptor` is such a terminal, else as it is.
std::string alarming(std::string_view text, int descriptor);

}  // namespace weir::cli
