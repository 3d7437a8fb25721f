#include "bench/load/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>

namespace weir::load {

Options::Options(int argc, char** argv, std::string_view usage) : usage_(usage) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const size_t equals = word.find('=');
    if (word.starts_with("--") && equals != std::string::npos) {
      words_.push_back(word.substr(0, equals));
      words_.push_back(word.substr(equals + 1));
    } else {
      words_.push_back(word);
    }
  }
  if (!flag("--help")) return;
  printf("%s", std::string(usage_).c_str());
  exit(0);
}

bool Options::flag(std::string_view name) { return std::erase(words_, name) > 0; }

double Options::number(std::string_view name, double otherwise) {
  const auto values = all(name);
  if (values.empty()) return otherwise;
  char* end = nullptr;
  const double value = strtod(values.back().c_str(), &end);
  if (end == values.back().c_str() || *end != '\0') wrong(std::string(name) + " wants a number, not " + values.back());
  return value;
}

std::string Options::text(std::string_view name, std::string otherwise) {
  const auto values = all(name);
  return values.empty() ? otherwise : values.back();
}

std::vector<std::string> Options::all(std::string_view name) {
  std::vector<std::string> values;
  for (auto at = std::find(words_.begin(), words_.end(), name); at != words_.end();
       at = std::find(words_.begin(), words_.end(), name)) {
    if (at + 1 == words_.end()) wrong(std::string(name) + " wants a value");
    values.push_back(at[1]);
    words_.erase(at, at + 2);
  }
  return values;
}

void Options::finish() {
  if (!words_.empty()) wrong("no such option: " + words_.front());
}

void Options::wrong(std::string_view what) const {
  fprintf(stderr, "%s: %s\n%s", program_invocation_short_name, std::string(what).c_str(), std::string(usage_).c_str());
  exit(2);
}

}  // namespace weir::load
