// A connection to the admin of a running weir: TCP or a unix socket, plain or TLS; blocking, each call with its end.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"
#include "proxy/net/owned.h"

namespace weir::cli {

using Clock = std::chrono::steady_clock;

/// How TLS is spoken to the admin. Paths of PEM files.
struct AdminTls {
  std::string ca;                // whom to believe; empty: the system's
  std::string certificate, key;  // what to show; empty: nothing; a key that is empty stands beside the certificate
  std::vector<std::string>
      known;  // with no ca: whose first certificates are believed as they are, whatever their names
};

/// Where the admin is.
struct Door {
  config::Address address;
  std::optional<AdminTls> tls;  // nothing: plain HTTP
};

/// Why there is no reply, and what to look at.
struct NoReply {
  std::string what, advice;
};

/// Owns a descriptor.
class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&&) = delete;
  ~Socket();
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

class Line {
 public:
  /// Connects, and shakes hands where there is TLS.
  static std::variant<Line, NoReply> open(const Door& door, Clock::time_point end);

  bool send_all(std::string_view bytes, Clock::time_point end);
  enum class Read { whole, late, broken };
  /// Everything until the peer closes.
  Read receive_all(std::string& bytes, Clock::time_point end);
  /// What the peer refused the connection with, in OpenSSL's words; empty: it did not.
  const std::string& refusal() const { return refusal_; }

 private:
  explicit Line(Socket socket) : socket_(std::move(socket)) {}
  std::optional<NoReply> shake_hands(const Door& door, Clock::time_point end);
  ssize_t send(std::string_view bytes);
  ssize_t receive(char* into, size_t size);
  ssize_t outcome(int result);

  Socket socket_;
  net::Owned<SSL> ssl_;  // null: plain
  short waits_for_ = 0;  // events of poll(2), when the last call would have waited
  std::string refusal_;
};

}  // namespace weir::cli
