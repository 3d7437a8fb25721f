#include "proxy/admin/message.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <iterator>

namespace weir::admin {
namespace json = boost::json;

namespace {

struct Reason {
  unsigned status;
  std::string_view text;
};
constexpr std::array kReasons{
    Reason{200, "OK"},
    Reason{202, "Accepted"},
    Reason{400, "Bad Request"},
    Reason{401, "Unauthorized"},
    Reason{403, "Forbidden"},
    Reason{404, "Not Found"},
    Reason{405, "Method Not Allowed"},
    Reason{409, "Conflict"},
    Reason{412, "Precondition Failed"},
    Reason{413, "Content Too Large"},
    Reason{422, "Unprocessable Content"},
    Reason{428, "Precondition Required"},
    Reason{431, "Request Header Fields Too Large"},
    Reason{500, "Internal Server Error"},
    Reason{501, "Not Implemented"},
    Reason{503, "Service Unavailable"},
    Reason{504, "Gateway Timeout"},
};

}  // namespace

std::string_view reason(unsigned status) {
  const auto at = std::find_if(kReasons.begin(), kReasons.end(), [&](const Reason& r) { return r.status == status; });
  return at == kReasons.end() ? std::string_view("Unknown") : at->text;
}

Response problem(unsigned status, std::string_view detail, std::string_view field) {
  return problem(status, detail, field, {});
}

Response problem(unsigned status, std::string_view detail, std::string_view field, const json::object& more) {
  json::object body{{"title", reason(status)}, {"status", status}, {"detail", detail}};
  if (!field.empty()) body["field"] = field;
  body.insert(more.begin(), more.end());
  return {status, "application/problem+json", json::serialize(body) + "\n", {}};
}

Response json_answer(unsigned status, const json::object& body) {
  return {status, "application/json", json::serialize(body) + "\n", {}};
}

std::string serialize(const Response& response, const Wire& wire) {
  std::string text;
  auto out = std::back_inserter(text);
  fmt::format_to(out, "HTTP/1.1 {} {}\r\n", response.status, reason(response.status));
  fmt::format_to(out, "Date: {:%a, %d %b %Y %H:%M:%S} GMT\r\n",
                 fmt::gmtime(std::chrono::system_clock::to_time_t(wire.now)));
  fmt::format_to(out, "Content-Type: {}\r\n", response.content_type);
  if (!response.events) fmt::format_to(out, "Content-Length: {}\r\n", response.body.size());
  fmt::format_to(out, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
  for (const auto& [name, value] : response.fields) fmt::format_to(out, "{}: {}\r\n", name, value);
  const bool keep_alive = wire.keep_alive && !response.events;
  fmt::format_to(out, "Connection: {}\r\n\r\n", keep_alive ? "keep-alive" : "close");
  if (!wire.head) text += response.body;
  return text;
}

}  // namespace weir::admin
