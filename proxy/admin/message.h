// A request and an answer of the admin API as plain values: what routes and api see of HTTP.
#pragma once

#include <boost/json/fwd.hpp>
#include <chrono>
#include <optional>
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
  std::string peer;                        // its IP address, or `unix uid 1000`
  std::optional<std::string> certificate;  // the subject of the one that the client showed and that holds
  std::vector<std::string> hosts, origins, authorizations, if_matches, actors, user_agents;
  std::string body;
};

struct Response {
  unsigned status = 200;
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;  // beside those that every answer has
  bool events = false;                                      // the body is followed by events, until the connection ends
};

/// `application/problem+json` (RFC 9457): `title` is the status' reason, `detail` says what to do,
/// `field` (where there is one) is the part of the request that it is about.
Response problem(unsigned status, std::string_view detail, std::string_view field = {});
/// The same with members of its own.
Response problem(unsigned status, std::string_view detail, std::string_view field, const boost::json::object& more);

/// `application/json`, one line.
Response json_answer(unsigned status, const boost::json::object& body);

/// The reason phrase of a status that the admin API uses.
std::string_view reason(unsigned status);

/// How an answer is written.
struct Wire {
  bool head = false;  // to a HEAD request: the same head, no body
  bool keep_alive = true;
  std::chrono::system_clock::time_point now;  // for Date
};

/// The bytes of an answer, HTTP/1.1. Events have no length: their end is the connection's.
std::string serialize(const Response& response, const Wire& wire);

}  // namespace weir::admin
