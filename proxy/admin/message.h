// A request and an answer of the admin API as plain values: what routes and api see of HTTP.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::admin {

/// Fields that matter here, each with every occurrence in the head (never of a trailer).
struct Request {
  std::string method;
  std::string target;  // origin-form or absolute-form, as received
  bool http_1_0 = false;
  std::vector<std::string> hosts, origins, authorizations;
  std::string body;
};

struct Response {
  unsigned status = 200;
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;  // beside those that every answer has
};

/// `application/problem+json` (RFC 9457): `title` is the status' reason, `detail` says what to do.
Response problem(unsigned status, std::string_view detail);

/// The reason phrase of a status that the admin API uses.
std::string_view reason(unsigned status);

/// How an answer is written.
struct Wire {
  bool head = false;  // to a HEAD request: the same head, no body
  bool keep_alive = true;
  std::chrono::system_clock::time_point now;  // for Date
};

/// The bytes of an answer, HTTP/1.1.
std::string serialize(const Response& response, const Wire& wire);

}  // namespace weir::admin
