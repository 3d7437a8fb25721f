// What a program of the tests is told on its command line: pairs of `--NAME VALUE`.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace weir::testing {

/// Numbers have up to nine digits.
struct Option {
  std::string name;
  std::variant<unsigned*, std::string*> into;
};

/// Puts each value where its option says; else what is wrong with the line, in words.
std::optional<std::string> read_options(int count, char** words, const std::vector<Option>& known);

}  // namespace weir::testing
