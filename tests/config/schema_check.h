// The JSON Schema, as a validator that is not ours understands it.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "config/parse.h"
#include "tests/config/corpus.h"

namespace weir::config {

/// A folder that is gone with its owner.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "weir-config-XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~ScratchFolder() { std::filesystem::remove_all(path_); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

/// A verdict for each document of these files: `right`, or `wrong` and why.
inline std::vector<std::string> schema_verdicts(const std::vector<std::filesystem::path>& documents) {
  const ScratchFolder folder;
  std::string command = "/usr/bin/python3 '" + (tests_folder() / "check_schema.py").string() + "' '" +
                        folder.write("schema.json", schema()).string() + "'";
  for (const auto& path : documents) command += " '" + path.string() + "'";
  std::vector<std::string> verdicts;
  FILE* output = popen(command.c_str(), "r");
  char* line = nullptr;
  size_t capacity = 0;
  for (ssize_t length; (length = getline(&line, &capacity, output)) > 0;) {
    verdicts.emplace_back(line, static_cast<size_t>(length - 1));
  }
  free(line);
  const int status = pclose(output);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "check_schema.py failed; are python3-yaml and "
                                                                "python3-jsonschema installed?";
  return verdicts;
}

}  // namespace weir::config
