#include "tests/fuzz/wire_meant.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::fuzz {
namespace {

bool chance(Dice& dice, unsigned of) { return dice() % of == 0; }

template <size_t size>
std::string one_of(Dice& dice, const char* const (&words)[size]) {
  return words[dice() % size];
}

std::string in_any_case(Dice& dice, std::string name) {
  if (chance(dice, 2)) return name;
  for (char& c : name) c = static_cast<char>(chance(dice, 2) ? std::toupper(c) : std::tolower(c));
  return name;
}

std::string blanks(Dice& dice) { return one_of(dice, {"", " ", " ", "  ", "\t", " \t "}); }

std::string line(Dice& dice, const std::string& name, const std::string& value) {
  return in_any_case(dice, name) + ":" + blanks(dice) + value + blanks(dice) + "\r\n";
}

/// Text of a field: anything but controls, no blanks at its ends.
std::string field_text(Dice& dice) {
  std::string text;
  for (unsigned left = dice() % 40; left > 0; --left) {
    char c = static_cast<char>(chance(dice, 10) ? 0x80 + dice() % 0x80 : 0x21 + dice() % 0x5e);
    text += chance(dice, 12) && !text.empty() && left > 1 ? (chance(dice, 2) ? ' ' : '\t') : c;
  }
  return text;
}

/// Any bytes; now and then such as look like messages.
std::string body_text(Dice& dice) {
  if (chance(dice, 4)) return "GET /hidden HTTP/1.1\r\nHost: shop.example\r\n\r\n";
  if (chance(dice, 8)) return "0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhidden";
  std::string text(chance(dice, 6) ? dice() % 20'000 : dice() % 200, '\0');
  for (char& c : text) c = static_cast<char>(dice());
  return text;
}

std::string extension(Dice& dice) {
  return chance(dice, 3) ? one_of(dice, {";a", ";a=b", ";a=\"x;y\"", " ;a=b", ";a;b=c", " ", ";\"\\\""}) : "";
}

std::string size_text(Dice& dice, size_t size) {
  std::string text = chance(dice, 2) ? fmt::format("{:x}", size) : fmt::format("{:X}", size);
  return std::string(chance(dice, 4) ? dice() % 4 : 0, '0') + text;
}

/// The body in chunks of all sizes, with what may stand beside them.
std::string in_chunks(Dice& dice, const std::string& body) {
  std::string bytes;
  for (size_t at = 0; at < body.size();) {
    size_t size = 1 + dice() % (chance(dice, 3) ? 5 : 3000);
    std::string piece = body.substr(at, size);
    bytes += size_text(dice, piece.size()) + extension(dice) + "\r\n" + piece + "\r\n";
    at += piece.size();
  }
  bytes += size_text(dice, 0) + extension(dice) + "\r\n";
  for (unsigned trailers = chance(dice, 3) ? dice() % 3 : 0; trailers > 0; --trailers)
    bytes += line(dice, one_of(dice, {"X-Sum", "Host", "Content-Length", "Transfer-Encoding", "Cookie"}), "7");
  return bytes + "\r\n";
}

Lines own_fields(Dice& dice) {
  Lines fields;
  for (unsigned count = dice() % 5; count > 0; --count)
    fields.emplace_back(fmt::format("X-F{}", dice() % 3), field_text(dice));
  return fields;
}

/// The lines in an order of their own; the own fields keep theirs.
std::string shuffled(Dice& dice, std::vector<std::string> lines, const Lines& own) {
  for (size_t i = 0, at = 0; i < own.size(); ++i, ++at) {
    at += dice() % (lines.size() - at + 1);
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at), line(dice, own[i].first, own[i].second));
  }
  std::string head;
  for (const std::string& one : lines) head += one;
  return head;
}

std::string hop_by_hop(Dice& dice) {
  return line(dice, "Connection", one_of(dice, {"X-Hop", "keep-alive, X-Hop", "x-hop ,Keep-Alive"})) +
         line(dice, "X-Hop", "1") + line(dice, "Keep-Alive", "timeout=5");
}

}  // namespace

Message make_request(Dice& dice, const std::string& target) {
  static const char* const kMethods[] = {"GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "FOOBAR"};
  static const char* const kTails[] = {"",     "?",        "?a=b", "/%2F/..//x", "/{}|^`\"", "?q=http://x/?y",
                                       ";p=1", "/\x80\xff"};
  Message request;
  const std::string method = one_of(dice, kMethods), path = target + one_of(dice, kTails);
  request.to_head = method == "HEAD";
  request.meaning = {.first = method + " " + path, .fields = own_fields(dice), .body = {}, .interim = {}};
  std::vector<std::string> lines{line(dice, "Host", one_of(dice, {"shop.example", "SHOP.example:80", "[::1]:8080"}))};
  if (chance(dice, 4)) lines.push_back(hop_by_hop(dice));
  if (chance(dice, 8)) lines.push_back(line(dice, "TE", "trailers, gzip;q=0.5"));
  std::string body;
  if (!chance(dice, 3)) {
    request.meaning.body = body_text(dice);
    bool by_length = chance(dice, 2);
    body = by_length ? request.meaning.body : in_chunks(dice, request.meaning.body);
    lines.push_back(by_length ? line(dice, "Content-Length", std::to_string(body.size()))
                              : line(dice, "Transfer-Encoding", in_any_case(dice, "chunked")));
  }
  request.last = chance(dice, 8);
  if (request.last) lines.push_back(line(dice, "Connection", "close"));
  std::shuffle(lines.begin(), lines.end(), dice);
  bool absolute = chance(dice, 10);
  request.bytes = std::string(chance(dice, 10) ? "\r\n" : "") + method + " " + (absolute ? "http://shop.example" : "") +
                  path + (chance(dice, 20) ? " HTTP/1.2\r\n" : " HTTP/1.1\r\n") +
                  shuffled(dice, lines, request.meaning.fields) + "\r\n" + body;
  return request;
}

Message make_response(Dice& dice, const Message& request) {
  static const char* const kStatuses[] = {"200 OK",         "200 OK",           "200 ",     "404 Not Found",
                                          "204 No Content", "304 Not Modified", "500 Oops", "206 Partial Content",
                                          "302 Found"};
  Message response;
  const std::string status = one_of(dice, kStatuses);
  response.to_head = request.to_head;
  response.meaning = {.first = status.substr(0, 3), .fields = own_fields(dice), .body = {}, .interim = {}};
  for (unsigned interims = chance(dice, 5) ? 1 + dice() % 2 : 0; interims > 0; --interims) {
    response.meaning.interim.push_back(103);
    response.bytes += "HTTP/1.1 103 Early Hints\r\n" + line(dice, "Link", "<a>") + "\r\n";
  }
  std::vector<std::string> lines;
  if (chance(dice, 4)) lines.push_back(hop_by_hop(dice));
  const bool no_body = request.to_head || status.starts_with("204") || status.starts_with("304");
  std::string body;
  if (no_body) {
    if (!status.starts_with("204") && chance(dice, 2)) lines.push_back(line(dice, "Content-Length", "1234"));
  } else {
    response.meaning.body = body_text(dice);
    switch (dice() % 5) {
      case 0:
      case 1:
        body = response.meaning.body;
        lines.push_back(line(dice, "Content-Length", std::to_string(body.size())));
        break;
      case 2:
        body = response.meaning.body;
        response.last = true;  // its end is the connection's
        break;
      default:
        body = in_chunks(dice, response.meaning.body);
        lines.push_back(line(dice, "Transfer-Encoding", in_any_case(dice, "chunked")));
    }
  }
  if (!response.last && chance(dice, 8)) {
    response.last = true;
    lines.push_back(line(dice, "Connection", "close"));
  }
  std::shuffle(lines.begin(), lines.end(), dice);
  response.bytes +=
      fmt::format("HTTP/1.1 {}\r\n", status) + shuffled(dice, lines, response.meaning.fields) + "\r\n" + body;
  return response;
}

}  // namespace weir::fuzz
