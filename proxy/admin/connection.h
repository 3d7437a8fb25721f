// One client of the admin: its socket, plain or under TLS, where nothing is waited for longer than was said.
//
// Owned by the coroutine that serves it; control thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/net/tls_server.h"

namespace weir::admin {

using Executor = boost::asio::io_context::executor_type;
using Protocol = boost::asio::generic::stream_protocol;
using Socket = boost::asio::basic_stream_socket<Protocol, Executor>;
using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;
template <class T>
using Task = boost::asio::awaitable<T, Executor>;

class Connection {
 public:
  using Error = boost::system::error_code;

  /// `server`: null for plain HTTP.
  Connection(Socket socket, std::shared_ptr<const net::TlsServer> server);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  enum class Opening { done, plain_text, failed };
  /// Shakes hands, where there is TLS. `plain_text`: somebody speaks HTTP without it, and can be answered so.
  Task<Opening> open();
  /// The subject of the certificate that the client showed and that holds; nothing if it showed none.
  const std::optional<std::string>& certificate() const { return certificate_; }

  /// For how long the calls that follow, each one of them, may last; then the socket is closed under them.
  void patience(std::chrono::milliseconds time) { patience_ = time; }
  /// 0 and an error at the end, as Asio's.
  Task<size_t> read_some(boost::asio::mutable_buffer into, Error& error);
  Task<void> write(std::string_view bytes, Error& error);
  /// Ends it so that the client gets the last answer: a close with bytes unread would reset it (RFC 9112 §9.6).
  Task<void> finish(const bool& stopped);

  /// The calls under way end with an error. At any time.
  void close();
  Socket& socket();

 private:
  struct Wire;
  struct Secured;
  class Watch;

  std::shared_ptr<Wire> wire_;
  std::shared_ptr<const net::TlsServer> server_;
  std::unique_ptr<Secured> tls_;  // from the handshake on
  std::optional<std::string> certificate_;
  std::chrono::milliseconds patience_{10'000};
  bool opened_ = false;
};

}  // namespace weir::admin
