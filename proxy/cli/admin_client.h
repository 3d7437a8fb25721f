// One request to the admin API of a running weir: blocking, with time-outs.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "proxy/cli/admin_line.h"

namespace weir::cli {

struct AdminRequest {
  std::string method = "GET";
  std::string target;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;  // JSON, if any
};

struct AdminReply {
  unsigned status = 0;
  std::map<std::string, std::string> fields;  // names in lower case
  std::string body;

  /// The first value, or empty.
  std::string field(const std::string& name) const;
};

struct AdminPatience {
  std::chrono::milliseconds connect{3'000};  // and for hands to be shaken
  std::chrono::milliseconds answer{15'000};  // from the connection to the answer's last byte
};

/// Asks once and closes the connection.
std::variant<AdminReply, NoReply> ask_admin(const Door& door, const AdminRequest& request, AdminPatience patience = {});

}  // namespace weir::cli
