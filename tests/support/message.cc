#include "tests/support/message.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <ostream>

namespace weir::testing {
namespace {

constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) || kTokenMarks.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<uint64_t> number(std::string_view text, int base) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// A line without its CRLF; a bare LF or CR is a fault.
std::optional<std::string> crlf_line(Wire& wire, std::string& fault, Deadline deadline) {
  std::optional<std::string> line = wire.line(deadline);
  if (!line) return std::nullopt;
  if (line->size() < 2 || (*line)[line->size() - 2] != '\r') {
    fault = "a line ends in a bare LF: " + *line;
    return std::nullopt;
  }
  line->resize(line->size() - 2);
  if (line->find('\r') != std::string::npos) {
    fault = "a bare CR inside a line: " + *line;
    return std::nullopt;
  }
  return line;
}

/// Field lines up to and with the empty line; false if they did not all come, or with a fault.
bool read_fields(Wire& wire, Fields& fields, std::string& fault, Deadline deadline) {
  for (;;) {
    std::optional<std::string> line = crlf_line(wire, fault, deadline);
    if (!line) return false;
    if (line->empty()) return true;
    size_t colon = line->find(':');
    std::string name = line->substr(0, colon);
    if (colon == std::string::npos || !is_token(name)) {
      fault = "not a field line: " + *line;
      return false;
    }
    std::string value(trim(std::string_view(*line).substr(colon + 1)));
    if (!is_field_value(value)) {
      fault = "a control character in a field value: " + name;
      return false;
    }
    fields.add(std::move(name), std::move(value));
  }
}

/// The length that a head announces; a fault for whatever has two readings.
struct Framing {
  bool chunked = false;
  std::optional<uint64_t> length;
};

Framing framing_of(const Fields& fields, std::string& fault) {
  Framing framing;
  std::vector<std::string> codings = fields.all("Transfer-Encoding"), lengths = fields.all("Content-Length");
  if (codings.size() + lengths.size() > 1) {
    fault = "more than one length or transfer coding";
    return framing;
  }
  if (!codings.empty()) {
    framing.chunked = lower(codings[0]) == "chunked";
    if (!framing.chunked) fault = "transfer coding " + codings[0];
  }
  if (!lengths.empty()) {
    framing.length = number(lengths[0], 10);
    if (!framing.length) fault = "content length " + lengths[0];
  }
  return framing;
}

bool read_chunked(Wire& wire, std::string& body, Fields& trailers, std::string& fault, Deadline deadline) {
  for (;;) {
    std::optional<std::string> line = crlf_line(wire, fault, deadline);
    if (!line) return false;
    std::optional<uint64_t> size = number(trim(line->substr(0, line->find(';'))), 16);
    if (!size) {
      fault = "not a chunk size: " + *line;
      return false;
    }
    if (*size == 0) return read_fields(wire, trailers, fault, deadline);
    std::string end;
    if (!wire.take(*size, body, deadline) || !wire.take(2, end, deadline)) return false;
    if (end != "\r\n") {
      fault = "no CRLF behind a chunk";
      return false;
    }
  }
}

bool read_start_line(Wire& wire, std::string& line, std::string& fault, Deadline deadline) {
  std::optional<std::string> read = crlf_line(wire, fault, deadline);
  if (!read) return false;
  line = *read;
  return true;
}

void parse_request_line(const std::string& line, Request& request) {
  size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string::npos || first == last) {
    request.fault = "not a request line: " + line;
    return;
  }
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, last - first - 1);
  request.version = line.substr(last + 1);
  bool plain =
      std::all_of(request.target.begin(), request.target.end(), [](unsigned char c) { return c > 0x20 && c != 0x7f; });
  if (!is_token(request.method) || !plain || request.target.empty() || request.version != "HTTP/1.1")
    request.fault = "not a request line: " + line;
}

/// `HTTP/1.1 200 OK`; sets fault for anything else.
void parse_status_line(const std::string& line, Response& response) {
  bool shaped = line.size() >= 13 && line.starts_with("HTTP/1.") && line[8] == ' ' && line[12] == ' ';
  std::optional<uint64_t> status = shaped ? number(line.substr(9, 3), 10) : std::nullopt;
  if (!status || *status < 100) {
    response.fault = "not a status line: " + line;
    return;
  }
  response.status = static_cast<int>(*status);
  response.version = line.substr(0, 8);
  response.reason = line.substr(13);
}

bool has_no_body(const Response& response, std::string_view method) {
  return method == "HEAD" || response.status == 204 || response.status == 304 || response.status < 200;
}

}  // namespace

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::string Fields::get(std::string_view name) const {
  std::vector<std::string> found = all(name);
  return found.empty() ? "" : found.front();
}

std::vector<std::string> Fields::all(std::string_view name) const {
  std::vector<std::string> found;
  std::string wanted = lower(name);
  for (const auto& [key, value] : lines_)
    if (lower(key) == wanted) found.push_back(value);
  return found;
}

std::ostream& operator<<(std::ostream& out, const Response& response) {
  out << "\n" << response.version << " " << response.status << " " << response.reason << "\n";
  for (const auto& [name, value] : response.fields.lines()) out << name << ": " << value << "\n";
  out << "[" << response.body.size() << " bytes, " << (response.complete ? "complete" : "incomplete");
  if (!response.fault.empty()) out << ", " << response.fault;
  return out << ", connection " << end_text(response.end) << "]";
}

bool read_request_head(Wire& wire, Request& request, Deadline deadline) {
  std::string line;
  if (!read_start_line(wire, line, request.fault, deadline)) return false;
  parse_request_line(line, request);
  if (!request.fault.empty() || !read_fields(wire, request.fields, request.fault, deadline)) return false;
  if (request.fields.count("Host") != 1) request.fault = "not exactly one Host";
  request.chunked = framing_of(request.fields, request.fault).chunked;
  return request.fault.empty();
}

void read_request_body(Wire& wire, Request& request, Deadline deadline) {
  Framing framing = framing_of(request.fields, request.fault);
  if (!request.fault.empty()) return;
  if (framing.chunked)
    request.complete = read_chunked(wire, request.body, request.trailers, request.fault, deadline);
  else
    request.complete = wire.take(framing.length.value_or(0), request.body, deadline);
}

Response read_response_head(Wire& wire, Deadline deadline) {
  Response response;
  std::string line;
  for (;;) {
    bool read = read_start_line(wire, line, response.fault, deadline);
    if (read) parse_status_line(line, response);
    read = read && response.fault.empty() && read_fields(wire, response.fields, response.fault, deadline);
    response.end = wire.end();
    if (!read) {
      response.status = 0;
      return response;
    }
    if (response.status >= 200 || response.status == 101) return response;
    response.interim.push_back({response.status, std::exchange(response.fields, {})});
  }
}

void read_response_body(Wire& wire, Response& response, std::string_view method, Deadline deadline) {
  Framing framing = framing_of(response.fields, response.fault);
  response.chunked = framing.chunked;
  if (!response.fault.empty()) return;
  if (has_no_body(response, method)) {
    response.complete = true;
  } else if (framing.chunked) {
    response.complete = read_chunked(wire, response.body, response.trailers, response.fault, deadline);
  } else if (framing.length) {
    response.complete = wire.take(*framing.length, response.body, deadline);
  } else {
    response.delimited = true;
    response.body = wire.take_buffer();
    response.body += wire.drain(deadline);
    response.complete = wire.end() == End::clean;
  }
  response.end = wire.end();
}

Response read_response(Wire& wire, std::string_view method, Deadline deadline) {
  Response response = read_response_head(wire, deadline);
  if (response.status != 0) read_response_body(wire, response, method, deadline);
  return response;
}

Interim read_interim(Wire& wire, Deadline deadline) {
  Response response;
  std::string line;
  if (!read_start_line(wire, line, response.fault, deadline)) return {};
  parse_status_line(line, response);
  if (!response.fault.empty() || !read_fields(wire, response.fields, response.fault, deadline)) return {};
  return {response.status, response.fields};
}

}  // namespace weir::testing
