// Where the tests find what they run: the checkout, and the program that was built with them.
#pragma once

#include <string>

namespace weir::testing {

const std::string& source_directory();
const std::string& build_directory();
/// The program of the same build, or the one that WEIR_PROGRAM names: a weir under a sanitizer, say.
const std::string& weir_program();

}  // namespace weir::testing
