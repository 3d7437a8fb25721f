// Where the tests find what they run: the checkout, and the program that was built with them.
#pragma once

#include <string>

namespace weir::testing {

const std::string& source_directory();
const std::string& build_directory();
/// The program of the same build, or the one that WEIR_PROGRAM names: a weir under a sanitizer, say.
const std::string& weir_program();
/// How many times as large and as slow that program may be: 1, or 10 under a sanitizer.
unsigned times_of_sanitizer();

}  // namespace weir::testing
