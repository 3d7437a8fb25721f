// Plain POSIX sockets on loopback: connect, listen, and a wire that remembers every byte that arrived.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "tests/support/patience.h"
#include "tests/support/tls.h"

namespace weir::testing {

/// Owns a descriptor. Movable; closes it at the end.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(other.release()) {}
  Socket& operator=(Socket&& other) noexcept;
  ~Socket() { close(); }

  int descriptor() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ >= 0; }
  int release();
  void close();
  /// Half-close: the peer reads an end, and may still write.
  void finish();
  /// Closes with a reset (SO_LINGER 0).
  void reset();

 private:
  int descriptor_ = -1;
};

struct ConnectOptions {
  std::string from;               // local address to bind, e.g. 127.0.0.9; empty: the kernel's choice
  int receive_buffer = 0;         // bytes, 0: the kernel's choice
  std::optional<TlsOptions> tls;  // for a Client; nothing: as tls_of says of the address
};

/// Connects to `a.b.c.d:port`, `[v6]:port` or `unix:/path`; an empty Socket if nobody listens there.
Socket connect_to(const std::string& address, const ConnectOptions& options = {});

/// Begins to connect and does not wait for the end of it (to fill a listener's queue).
Socket start_connect(const std::string& address);

/// Listens on `a.b.c.d:port`, `[v6]:port` (port 0: the kernel's choice) or `unix:/path`; throws if it cannot.
Socket listen_on(const std::string& address, int backlog = 1024);

/// `a.b.c.d:port` of a bound socket.
std::string local_address(const Socket& socket);

/// A loopback address that is this process' own (127.64.0.0/10 by its id), so that tests which run at the
/// same time, and the kernel's choice of client ports on 127.0.0.1, cannot take each other's ports.
std::string own_loopback();

/// A port that is free on `host` now.
uint16_t free_port(const std::string& host);

/// How far a connection has come.
enum class End {
  none,     // still open
  clean,    // the peer closed it in order
  reset,    // the peer reset it
  timeout,  // nothing more came in time
};
std::string_view end_text(End end);

/// One connection: what arrived and is not yet read, and all that ever arrived.
class Wire {
 public:
  Wire() = default;
  explicit Wire(Socket socket) : socket_(std::move(socket)) {}

  Socket& socket() { return socket_; }
  /// From here on bytes go through TLS; false if there is no handshake (see `tls`).
  bool secure(std::unique_ptr<TlsSide> tls, Deadline deadline);
  TlsSide* tls() { return tls_.get(); }
  /// Half-close: the peer reads an end, and may still write.
  void finish();
  /// Closes in order, by close_notify too.
  void close();
  /// Keeps no record of what arrives (for load).
  void forget() { recording_ = false; }
  const std::string& record() const { return record_; }
  const std::string& buffer() const { return buffer_; }
  End end() const { return end_; }

  /// Waits for more bytes; false at the end of the connection or of the time.
  bool fill(Deadline deadline);
  /// What stands up to and with the next LF; nothing if it does not come.
  std::optional<std::string> line(Deadline deadline);
  /// Exactly `count` bytes appended to `into`; false (and what there was) if they do not come.
  bool take(size_t count, std::string& into, Deadline deadline);
  /// Takes what is in the buffer now.
  std::string take_buffer();
  /// Everything until the peer closes.
  std::string drain(Deadline deadline);
  /// False if the peer is gone or does not read in time.
  bool send(std::string_view bytes, Deadline deadline);

 private:
  ssize_t receive(char* into, size_t room);
  ssize_t transmit(std::string_view bytes);

  Socket socket_;
  std::unique_ptr<TlsSide> tls_;
  short waits_for_ = 0;  // of poll(2), where TLS says so
  std::string buffer_, record_;
  End end_ = End::none;
  bool recording_ = true;
};

}  // namespace weir::testing
