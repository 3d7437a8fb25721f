// The configuration that the demo runs on: a file for people to edit while it runs.
#pragma once

#include <optional>
#include <string>

#include "config/problem.h"

namespace weir::demo {

inline constexpr const char* kService = "shop";
inline constexpr const char* kOld = "old";
inline constexpr const char* kNew = "new";

/// Where everything of a demo listens.
struct Places {
  std::string edge;                    // as in the configuration: `127.0.0.1:8080`
  std::string admin;                   // empty: no admin listener
  std::string old_origin, new_origin;  // on loopback
};

/// The text of a new configuration file.
std::string config_text(const Places& places);

/// Where a file that is there already wants everything. Problems: those of the file; or that it has
/// no service `shop` whose versions `old` and `new` have one endpoint each on loopback.
config::Result<Places> places_of(const std::string& path);

/// Writes `text` beside the file and renames it into place, so that nobody sees half of it; false
/// and errno if that fails.
bool replace_file(const std::string& path, const std::string& text);

/// Nothing if the file cannot be read.
std::optional<std::string> read_file(const std::string& path);

}  // namespace weir::demo
