#include "tests/support/places.h"

#include <cstdlib>

#include "tests/support/files.h"

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

unsigned times_of_sanitizer() {
  static const unsigned times = [] {
    const std::string program = read_file(weir_program());
    const bool sanitized =
        program.find("__asan_init") != std::string::npos || program.find("__tsan_init") != std::string::npos;
    return sanitized ? 10u : 1u;
  }();
  return times;
}

}  // namespace weir::testing
