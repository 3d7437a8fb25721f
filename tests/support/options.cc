#include "tests/support/options.h"

#include <algorithm>

namespace weir::testing {
namespace {

std::optional<unsigned> number(const std::string& text) {
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos && text.size() < 10;
  if (!digits) return {};
  return static_cast<unsigned>(std::stoul(text));
}

}  // namespace

std::optional<std::string> read_options(int count, char** words, const std::vector<Option>& known) {
  for (int i = 1; i < count; i += 2) {
    const std::string word = words[i];
    const auto option = std::ranges::find_if(known, [&](const Option& one) { return "--" + one.name == word; });
    if (option == known.end()) return "no option is called " + word;
    if (i + 1 == count) return word + " wants a value";
    const std::string value = words[i + 1];
    if (auto* const text = std::get_if<std::string*>(&option->into)) {
      **text = value;
      continue;
    }
    const auto wish = number(value);
    if (!wish) return word + " wants a number, not " + value;
    *std::get<unsigned*>(option->into) = *wish;
  }
  return {};
}

}  // namespace weir::testing
