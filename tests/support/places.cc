#include "tests/support/places.h"

#include <cstdlib>

namespace weir::testing {

const std::string& source_directory() {
  static const std::string directory = WEIR_SOURCE_DIR;
  return directory;
}

const std::string& build_directory() {
  static const std::string directory = WEIR_BUILD_DIR;
  return directory;
}

const std::string& weir_program() {
  static const std::string program = [] {
    const char* const named = std::getenv("WEIR_PROGRAM");
    return named ? named : build_directory() + "/weir";
  }();
  return program;
}

}  // namespace weir::testing
