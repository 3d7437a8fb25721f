// HTTP/1 messages as a strict peer reads them: whatever has more than one reading is a fault (RFC 9112).
// Written apart from weir's own parser, so that one can be held against the other.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/socket.h"

namespace weir::testing {

/// Lower case, ASCII.
std::string lower(std::string_view text);

/// Field lines in the order in which they came.
class Fields {
 public:
  Fields() = default;
  Fields(std::initializer_list<std::pair<std::string, std::string>> lines) : lines_(lines) {}

  void add(std::string name, std::string value) { lines_.emplace_back(std::move(name), std::move(value)); }
  bool has(std::string_view name) const { return count(name) > 0; }
  size_t count(std::string_view name) const { return all(name).size(); }
  /// The first value of that name, or empty.
  std::string get(std::string_view name) const;
  std::vector<std::string> all(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& lines() const { return lines_; }

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
};

/// A request as the origin read it.
struct Request {
  std::string method, target, version;
  Fields fields;
  std::string body;
  Fields trailers;
  bool chunked = false;
  bool complete = false;  // read to its end
  std::string fault;      // what is not well formed; empty: nothing
  size_t connection = 0;  // the number of its connection, from 0
};

/// The head of a 1xx response that came before the final one.
struct Interim {
  int status = 0;
  Fields fields;
};

/// A response as the client read it.
struct Response {
  int status = 0;  // 0: no head came
  std::string version, reason;
  Fields fields;
  std::string body;
  Fields trailers;
  std::vector<Interim> interim;
  bool chunked = false;
  bool delimited = false;  // by the end of the connection
  bool complete = false;   // read to its end; false after an early end, a reset or a time-out
  std::string fault;       // what is not well formed; empty: nothing
  End end = End::none;     // of the connection, as far as it is known now
};
/// For messages of assertions: status line, fields, and how far it came.
std::ostream& operator<<(std::ostream& out, const Response& response);

/// Reads a request's head; false if the connection ended before its first byte, or fault is set.
bool read_request_head(Wire& wire, Request& request, Deadline deadline);
/// Reads the body that the head announces.
void read_request_body(Wire& wire, Request& request, Deadline deadline);

/// Reads one response to a request with `method`: 1xx heads, the final head, its body.
Response read_response(Wire& wire, std::string_view method, Deadline deadline);
/// Only heads: 1xx and the final one, the body stays on the wire.
Response read_response_head(Wire& wire, Deadline deadline);
/// The body that belongs to this head.
void read_response_body(Wire& wire, Response& response, std::string_view method, Deadline deadline);
/// One interim head; a final one is a fault.
Interim read_interim(Wire& wire, Deadline deadline);

}  // namespace weir::testing
