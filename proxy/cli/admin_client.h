// One request to the admin API of a running weir: blocking, with time-outs, over TCP or a unix socket.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "config/config.h"

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

/// Why there is no reply, and what to look at.
struct NoReply {
  std::string what, advice;
};

struct AdminPatience {
  std::chrono::milliseconds connect{3'000};
  std::chrono::milliseconds answer{15'000};  // from the connection to the answer's last byte
};

/// Asks once and closes the connection.
std::variant<AdminReply, NoReply> ask_admin(const config::Address& address, const AdminRequest& request,
                                            AdminPatience patience = {});

}  // namespace weir::cli
