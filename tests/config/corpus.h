// The files of tests/config/corpus, and what is expected of them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/places.h"

namespace weir::config {

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline const std::filesystem::path& tests_folder() {
  static const std::filesystem::path folder = std::filesystem::path(weir::testing::source_directory()) / "tests/config";
  return folder;
}

/// Paths of the corpus's files in a folder (right, wrong, wrong_as_yaml, wrong_as_a_whole), by name.
inline std::vector<std::filesystem::path> corpus(const std::string& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(tests_folder() / "corpus" / folder)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// What a wrong file says of itself: its lines `# wrong: LINE:COLUMN: …`, as a file called FILE tells it.
inline std::vector<std::string> expected_problems(const std::string& text) {
  static const std::string kMark = "# wrong: ";
  std::vector<std::string> expected;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(kMark)) continue;
    const std::string rest = line.substr(kMark.size());
    const bool has_place = rest.find_first_not_of("0123456789:") > 0;
    expected.push_back((has_place ? "FILE:" : "FILE: ") + rest);
  }
  return expected;
}

}  // namespace weir::config
