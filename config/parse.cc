#include "config/parse.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <tuple>

#include "config/table.h"
#include "config/validate.h"
#include "config/yaml.h"

namespace weir::config {

namespace {

void in_order(Problems& problems) {
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.where.line, a.where.column) < std::tie(b.where.line, b.where.column);
  });
}

/// An empty file is told once, as the file's fault, not as everything that is missing from it.
bool is_empty(const Tree& tree, Problems& problems) {
  if (!tree.whole || tree.root.kind != Node::Kind::null) return false;
  problems.push_back({{tree.root.where.file}, "the file is empty; a configuration needs listeners and services"});
  return true;
}

}  // namespace

Result<Loaded> parse(std::string_view text, const std::string& file) {
  Problems problems;
  const Tree tree = read_yaml(text, file, problems);
  if (!tree.whole || is_empty(tree, problems)) return problems;
  Loaded loaded;
  file_table().read(tree.root, loaded.config, Reading{problems, ""});
  if (tree.root.kind == Node::Kind::map) validate(loaded.config, tree.root, problems);
  in_order(problems);
  if (!problems.empty()) return problems;
  complete(loaded.config);
  loaded.warnings = warnings_of(loaded.config, tree.root);
  in_order(loaded.warnings);
  loaded.config.hash = fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
  return loaded;
}

Result<Loaded> load(const std::string& path) {
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown)) return Problems{{{path}, "is a directory; name a file in it"}};
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file) {
    return Problems{{{path}, fmt::format("cannot be read: {}; name a file that can", std::strerror(errno))}};
  }
  return parse(text.str(), path);
}

}  // namespace weir::config
