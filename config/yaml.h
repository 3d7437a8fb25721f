// YAML text -> tree. What YAML allows and a configuration should not (anchors, tags, a key said
// twice, several documents) is a problem.
#pragma once

#include <string>
#include <string_view>

#include "config/node.h"

namespace weir::config {

/// A tree as far as it could be read; `whole` is false after a syntax error, when nothing can be
/// said of what is missing.
struct Tree {
  Node root;
  bool whole = true;
};

Tree read_yaml(std::string_view text, const std::string& file, Problems& problems);

}  // namespace weir::config
