#include "config/problem.h"

#include <fmt/format.h>

namespace weir::config {

std::string Problem::text() const {
  if (where.line == 0) return fmt::format("{}: {}", where.file, what);
  return fmt::format("{}:{}:{}: {}", where.file, where.line, where.column, what);
}

}  // namespace weir::config
