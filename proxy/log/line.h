// A line of the access log: what it tells of an exchange, and the two ways it is written (contract §7).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::log {

/// Empty texts are told as empty (JSON) or `-` (combined). Views live while the line is written.
struct Line {
  std::chrono::nanoseconds time{};  // since 1970, UTC: when it ended
  std::string_view request_id;
  std::string_view client;  // the address believed to be the client's, or `unix`
  std::string_view method, host, path;
  std::string_view referer, agent;  // combined only
  unsigned minor = 1;               // HTTP/1.minor
  unsigned status = 0;              // 0: the client saw no response
  uint64_t bytes_in = 0, bytes_out = 0;
  std::string_view service, version;
  uint64_t revision = 0;
  std::string_view decided_by, rule;
  std::optional<uint32_t> bucket;
  std::string_view endpoint, error;
  unsigned tries = 0;
  std::chrono::nanoseconds duration{}, upstream_duration{};
};

/// One JSON object and a line feed, with all of it. Bytes that are not ASCII go on as escapes of Latin-1.
void write_json(std::string& out, const Line& line);
/// The combined format of Apache and nginx; no response is 499, as in nginx.
void write_combined(std::string& out, const Line& line);

}  // namespace weir::log
