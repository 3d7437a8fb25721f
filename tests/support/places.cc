#include "tests/support/places.h"

namespace weir::testing {

const std::string& source_directory() {
  static const std::string directory = WEIR_SOURCE_DIR;
  return directory;
}

const std::string& weir_program() {
  static const std::string program = WEIR_PROGRAM;
  return program;
}

}  // namespace weir::testing
