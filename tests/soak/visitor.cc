#include "tests/soak/visitor.h"

#include <fmt/format.h>

namespace weir::soak {

using namespace weir::testing;

namespace {

constexpr Duration kLongest{30'000};  // no answer takes longer, on however busy a machine

/// A body that is its token again and again: a byte of somebody else's shows.
std::string body_of(const std::string& token, size_t size) {
  std::string body;
  while (body.size() < size) body += token + ".";
  return body;
}

bool is_body_of(const std::string& body, const std::string& token) { return body == body_of(token, body.size()); }

void answer_in_own_way(Turn& turn, const std::string& way, const std::string& head, const std::string& token) {
  const std::string body = body_of(token, way == "large" ? 400'000 : way == "small" ? 100 : 5'000);
  if (way == "chunks") {
    turn.send(head + "Transfer-Encoding: chunked\r\n\r\n" + chunks(body, 700, "X-Sum: 1\r\n"));
  } else if (way == "close") {
    turn.send(fmt::format("{}Connection: close\r\nContent-Length: {}\r\n\r\n{}", head, body.size(), body));
    turn.close();
  } else {
    turn.send(fmt::format("{}{}Content-Length: {}\r\n\r\n{}",
                          way == "hints" ? "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" : "", head, body.size(),
                          body));
  }
}

}  // namespace

void answer(Turn& turn) {
  const std::string token = turn.request().fields.get("X-Token"), target = turn.request().target;
  const std::string way = target.substr(1, target.find('/', 1) - 1);
  if (way == "tunnel") {
    turn.send(fmt::format(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: soak\r\nX-Token: {}\r\n\r\n", token));
    for (std::string bytes; !(bytes = turn.read_bytes(token.size())).empty();) turn.send(bytes);
    return turn.close();
  }
  const Request& request = turn.read_body();
  if (!request.complete) return turn.close();
  const bool own = target.ends_with("/" + token) && (request.body.empty() || is_body_of(request.body, token));
  const bool found = way != "missing";
  answer_in_own_way(turn, way,
                    fmt::format("HTTP/1.1 {}\r\nX-Token: {}\r\n",
                                !own    ? "599 Mixed"
                                : found ? "200 OK"
                                        : "404 Not Found",
                                token),
                    token);
}

std::string Visitor::token() { return fmt::format("t{}-{}", number_, ++tokens_); }

Visitor::Asked Visitor::ask(const std::string& way, const std::string& lines) {
  Asked asked{.bytes = {}, .token = token(), .method = "GET"};
  asked.bytes = fmt::format("GET /{}/{} HTTP/1.1\r\nHost: shop.example\r\nCookie: uid=u{}\r\nX-Token: {}\r\n{}\r\n",
                            way, asked.token, dice_() % 1000, asked.token, lines);
  return asked;
}

Visitor::Asked Visitor::send_body(const std::string& way) {
  Asked asked{.bytes = {}, .token = token(), .method = "POST"};
  const std::string body = body_of(asked.token, dice_() % (dice_() % 8 == 0 ? 200'000 : 3'000));
  const bool in_chunks = dice_() % 2 == 0;
  asked.bytes =
      fmt::format("POST /{}/{} HTTP/1.1\r\nHost: shop.example\r\nCookie: uid=u{}\r\nX-Token: {}\r\n{}\r\n\r\n", way,
                  asked.token, dice_() % 1000, asked.token,
                  in_chunks ? "Transfer-Encoding: chunked" : fmt::format("Content-Length: {}", body.size()));
  asked.bytes += in_chunks ? chunks(body, 1 + dice_() % 4000) : body;
  return asked;
}

/// Counts what became of a request; false if the connection is over.
bool Visitor::take(Client& client, const Asked& asked) {
  const Response response = client.receive(asked.method, kLongest);
  count(response, asked);
  return response.complete && !response.delimited &&
         lower(response.fields.get("Connection")).find("close") == std::string::npos;
}

void Visitor::count(const Response& response, const Asked& asked) {
  ++tally_.sent;
  if (response.status == 0) {
    ++tally_.lost;
    return tally_.find(fmt::format("no answer to {}: {} {}", asked.token, end_text(response.end), response.fault));
  }
  ++tally_.classes[static_cast<size_t>(response.status / 100)];
  const std::string own = response.fields.get("X-Token");
  const bool of_weir = own.empty() && response.fields.has("Proxy-Status");
  if (of_weir) {
    ++tally_.refused;
    if (!response.complete) tally_.find(fmt::format("weir's own answer {} is not whole", response.status));
    return;
  }
  if (own != asked.token || response.status == 599 ||
      (response.complete && asked.method != "HEAD" && !is_body_of(response.body, asked.token))) {
    ++tally_.mixed;
    return tally_.find(fmt::format("{} was answered {} with {}", asked.token, response.status, own));
  }
  if (!response.fault.empty()) tally_.find(fmt::format("{}: {}", asked.token, response.fault));
  ++(response.complete ? tally_.answered : tally_.cut);
}

void Visitor::keep_alive() {
  Client client(edge_);
  client.wire().forget();
  static const char* const kWays[] = {"small", "chunks", "plain", "hints", "close", "missing", "large"};
  for (unsigned left = 1 + dice_() % 20; left > 0; --left) {
    const std::string way = kWays[dice_() % std::size(kWays)];
    const Asked asked = dice_() % 3 == 0 ? send_body(way) : ask(way);
    client.send(asked.bytes);
    if (!take(client, asked)) return;
  }
}

void Visitor::pipeline() {
  Client client(edge_);
  std::vector<Asked> all;
  std::string bytes;
  for (unsigned left = 2 + dice_() % 5; left > 0; --left)
    bytes += all.emplace_back(ask(dice_() % 2 == 0 ? "small" : "chunks")).bytes;
  client.send(bytes);
  for (size_t i = 0; i < all.size(); ++i) {
    if (take(client, all[i])) continue;
    return;  // those behind an answer that closes were never read as requests, and are not counted
  }
}

void Visitor::old_fashioned() {
  Client client(edge_);
  Asked asked = ask(dice_() % 2 == 0 ? "chunks" : "plain");
  asked.bytes.replace(asked.bytes.find("HTTP/1.1"), 8, "HTTP/1.0");
  client.send(asked.bytes);
  take(client, asked);
}

void Visitor::byte_by_byte() {
  Client client(edge_);
  const Asked asked = ask("small");
  client.send_byte_by_byte(asked.bytes);
  take(client, asked);
}

void Visitor::slow_reader() {
  Client client(edge_, {.from = {}, .receive_buffer = 4096});
  const Asked asked = ask("large");
  client.send(asked.bytes);
  take(client, asked);
}

void Visitor::tunnel() {
  Client client(edge_);
  const Asked asked = ask("tunnel", "Connection: upgrade\r\nUpgrade: soak\r\n");
  client.send(asked.bytes);
  Response response = client.receive_head(kLongest);
  if (response.status != 101) {
    client.receive_body(response, "GET", kLongest);
    return count(response, asked);
  }
  response.body = body_of(asked.token, 1);
  response.complete = true;
  for (unsigned left = dice_() % 20; left > 0 && response.complete; --left) {
    client.send(asked.token);
    const std::string back = client.receive_bytes(asked.token.size(), kLongest);
    response.complete = back.size() == asked.token.size();
    if (response.complete && back != asked.token) response.body = back;
  }
  count(response, asked);
}

void Visitor::malformed() {
  static const char* const kHeads[] = {
      "GET / HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "nonsense\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n"};
  Client client(edge_);
  client.send(kHeads[dice_() % std::size(kHeads)]);
  const Response response = client.receive("GET", kLongest);
  ++tally_.malformed_sent;
  if (response.status != 400) tally_.find(fmt::format("a malformed request got {}", response.status));
}

/// Goes away somewhere inside a request or its answer.
void Visitor::leave() {
  Client client(edge_);
  std::string bytes = dice_() % 2 == 0 ? send_body("plain").bytes : ask("large").bytes;
  bytes.replace(bytes.find("shop"), 4, "rough");
  const bool inside_request = dice_() % 2 == 0;
  client.send(inside_request ? bytes.substr(0, dice_() % bytes.size()) : bytes);
  if (!inside_request && dice_() % 2 == 0) client.receive_head(kLongest);
  ++tally_.left;
  dice_() % 2 == 0 ? client.reset() : client.close();
}

Tally Visitor::visit(const std::atomic<bool>& over) {
  while (!over) {
    switch (dice_() % 12) {
      case 0:
        pipeline();
        break;
      case 1:
        old_fashioned();
        break;
      case 2:
        byte_by_byte();
        break;
      case 3:
        slow_reader();
        break;
      case 4:
        tunnel();
        break;
      case 5:
        malformed();
        break;
      case 6:
      case 7:
        leave();
        break;
      default:
        keep_alive();
    }
  }
  return tally_;
}

}  // namespace weir::soak
