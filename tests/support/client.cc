#include "tests/support/client.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace weir::testing {

Client::Client(const std::string& address, const ConnectOptions& options) : wire_(connect_to(address, options)) {
  const auto tls = options.tls ? options.tls : tls_of(address);
  if (!tls || !connected()) return;
  secured_ = wire_.secure(TlsSide::client(wire_.socket().descriptor(), *tls), within(kPatience));
}

bool Client::send(std::string_view bytes) { return wire_.send(bytes, within(kPatience)); }

bool Client::send_byte_by_byte(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i)
    if (!send(bytes.substr(i, 1))) return false;
  return true;
}

Response Client::receive(std::string_view method, Duration patience) {
  Response response = read_response(wire_, method, within(patience));
  if (response.end == End::timeout)
    ADD_FAILURE() << "no whole response within " << patience.count() << " ms" << response;
  return response;
}

Response Client::receive_head(Duration patience) {
  Response response = read_response_head(wire_, within(patience));
  if (response.end == End::timeout) ADD_FAILURE() << "no response within " << patience.count() << " ms" << response;
  return response;
}

void Client::receive_body(Response& response, std::string_view method, Duration patience) {
  read_response_body(wire_, response, method, within(patience));
  if (response.end == End::timeout) ADD_FAILURE() << "no whole body within " << patience.count() << " ms" << response;
}

Interim Client::receive_interim(Duration patience) { return read_interim(wire_, within(patience)); }

std::string Client::receive_bytes(size_t count, Duration patience) {
  std::string bytes;
  wire_.take(count, bytes, within(patience));
  return bytes;
}

std::string Client::receive_all(Duration patience) {
  std::string before = wire_.take_buffer();
  std::string bytes = before + wire_.drain(within(patience));
  if (end() == End::timeout) ADD_FAILURE() << "the connection was not closed within " << patience.count() << " ms";
  return bytes;
}

bool Client::closed(Duration patience) {
  if (!wire_.buffer().empty()) return false;
  Deadline deadline = within(patience);
  return !wire_.fill(deadline) && wire_.end() != End::timeout;
}

bool Client::silent_for(Duration duration) {
  return wire_.buffer().empty() && !wire_.fill(within(duration)) && wire_.end() == End::timeout;
}

std::string get(std::string_view target, std::string_view host, std::string_view lines) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n{}\r\n", target, host, lines);
}

std::string post(std::string_view target, std::string_view body, std::string_view lines) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: {}\r\n{}\r\n{}", target, body.size(),
                     lines, body);
}

std::string chunks(std::string_view body, size_t size, std::string_view trailers) {
  std::string text;
  for (size_t at = 0; at < body.size(); at += size) {
    std::string_view piece = body.substr(at, size);
    text += fmt::format("{:x}\r\n", piece.size());
    text.append(piece).append("\r\n");
  }
  return text.append("0\r\n").append(trailers).append("\r\n");
}

Response fetch(const std::string& address, const std::string& request, std::string_view method) {
  Client client(address);
  if (!client.connected()) return {};
  client.send(request);
  return client.receive(method);
}

}  // namespace weir::testing
