// Whether somebody looks, and how wide: colours and redrawing are for terminals only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::cli {

/// A terminal that takes colours: not a file or a pipe, TERM is not `dumb`, NO_COLOR is not set.
bool is_terminal(int descriptor);

/// Columns of a terminal, of whatever kind; 80 where they are not known.
size_t columns_of(int descriptor);

/// Each line of `text` with no more characters than that.
std::string cut_to(size_t columns, std::string_view text);

/// `text` in bold red if `descriptor` is such a terminal, else as it is.
std::string alarming(std::string_view text, int descriptor);

}  // namespace weir::cli
