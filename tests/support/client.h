// A raw HTTP client: it sends exactly the bytes a test gives it, and reads strictly what comes back.
#pragma once

#include <string>
#include <string_view>

#include "tests/support/message.h"

namespace weir::testing {

/// One connection to a proxy. A read that waits longer than the patience fails the test instead of hanging.
class Client {
 public:
  explicit Client(const std::string& address, const ConnectOptions& options = {});

  bool connected() { return static_cast<bool>(wire_.socket()); }
  /// Was there a TLS handshake? Else wire().tls() tells why not.
  bool secured() const { return secured_; }
  /// False if the peer is gone (a refusal may come before all is sent) or does not read.
  bool send(std::string_view bytes);
  /// Every byte in a packet of its own.
  bool send_byte_by_byte(std::string_view bytes);

  /// The next response, to a request with `method`; a time-out is a failure of the test.
  Response receive(std::string_view method = "GET", Duration patience = kPatience);
  Response receive_head(Duration patience = kPatience);
  /// Continues after receive_head.
  void receive_body(Response& response, std::string_view method = "GET", Duration patience = kPatience);
  /// One 1xx head.
  Interim receive_interim(Duration patience = kPatience);
  /// Exactly `count` raw bytes (after a 101); fewer if the connection ends.
  std::string receive_bytes(size_t count, Duration patience = kPatience);
  /// Everything until the peer closes; see end().
  std::string receive_all(Duration patience = kPatience);

  /// True if the peer closes the connection within `patience` and sends nothing more.
  bool closed(Duration patience = kPatience);
  /// True if nothing comes and the connection stays open for this long: for what must not happen.
  bool silent_for(Duration duration);
  End end() const { return wire_.end(); }

  void finish() { wire_.finish(); }  // half-close
  void close() { wire_.close(); }
  void reset() { wire_.socket().reset(); }
  Wire& wire() { return wire_; }

 private:
  Wire wire_;
  bool secured_ = false;
};

/// `GET target` with this Host and further header lines (each with its CRLF).
std::string get(std::string_view target, std::string_view host = "shop.example", std::string_view lines = "");
/// `POST target` with a Content-Length body.
std::string post(std::string_view target, std::string_view body, std::string_view lines = "");
/// A body in chunks of `size` bytes, with the last chunk and the given trailer lines.
std::string chunks(std::string_view body, size_t size, std::string_view trailers = "");

/// One connection, one request, one response.
Response fetch(const std::string& address, const std::string& request, std::string_view method = "GET");

}  // namespace weir::testing
