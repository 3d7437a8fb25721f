#include "proxy/admin/connection.h"

#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "proxy/net/tls.h"

namespace weir::admin {

namespace asio = boost::asio;

namespace {

constexpr size_t kMostDiscarded = 1024 * 1024;

auto into(boost::system::error_code& error) { return asio::redirect_error(asio::use_awaitable_t<Executor>(), error); }

bool is_plain_text(char first) { return first >= 'A' && first <= 'Z'; }  // a method; TLS begins with 22

}  // namespace

/// Held by the wait for the time's end too, which may come after the connection's.
struct Connection::Wire {
  explicit Wire(Socket connected) : socket(std::move(connected)), timer(socket.get_executor()) {}
  Socket socket;
  Timer timer;
  uint64_t call = 0;  // which one is watched
};

struct Connection::Secured {
  Secured(Socket& socket, net::Owned<SSL> ssl) : stream(socket, ssl.release()) {}
  asio::ssl::stream<Socket&> stream;
};

/// Over the length of one call: closes the socket when its time is over.
class Connection::Watch {
 public:
  Watch(const std::shared_ptr<Wire>& wire, std::chrono::milliseconds patience) : wire_(*wire) {
    wire->timer.expires_after(patience);
    wire->timer.async_wait([weak = std::weak_ptr(wire), call = ++wire->call](const Error& error) {
      const auto wire = weak.lock();
      Error ignored;
      if (!error && wire && wire->call == call) wire->socket.close(ignored);
    });
  }
  Watch(const Watch&) = delete;
  ~Watch() {
    ++wire_.call;
    wire_.timer.cancel();
  }

 private:
  Wire& wire_;
};

Connection::Connection(Socket socket, std::shared_ptr<const net::TlsServer> server)
    : wire_(std::make_shared<Wire>(std::move(socket))), server_(std::move(server)) {}

Connection::~Connection() = default;

Socket& Connection::socket() { return wire_->socket; }

void Connection::close() {
  Error ignored;
  wire_->socket.close(ignored);
}

Task<Connection::Opening> Connection::open() {
  if (!server_) co_return Opening::done;
  const Watch watch(wire_, patience_);
  std::array<char, 4096> first;
  const auto room = asio::buffer(first);
  Error error;
  const size_t size = co_await wire_->socket.async_read_some(room, into(error));
  if (error || size == 0) co_return Opening::failed;
  if (is_plain_text(first[0])) co_return Opening::plain_text;
  net::Owned<SSL> ssl = server_->session();
  if (!ssl) co_return Opening::failed;
  tls_ = std::make_unique<Secured>(wire_->socket, std::move(ssl));
  const auto begun = asio::buffer(first.data(), size);
  co_await tls_->stream.async_handshake(asio::ssl::stream_base::server, begun, into(error));
  if (error) co_return Opening::failed;
  opened_ = true;
  if (const auto shown = net::shown_by(tls_->stream.native_handle())) certificate_ = shown->subject;
  co_return Opening::done;
}

Task<size_t> Connection::read_some(asio::mutable_buffer room, Error& error) {
  const Watch watch(wire_, patience_);
  if (tls_) co_return co_await tls_->stream.async_read_some(room, into(error));
  co_return co_await wire_->socket.async_read_some(room, into(error));
}

Task<void> Connection::write(std::string_view bytes, Error& error) {
  const Watch watch(wire_, patience_);
  const auto all = asio::buffer(bytes.data(), bytes.size());
  if (tls_) {
    co_await asio::async_write(tls_->stream, all, into(error));
  } else {
    co_await asio::async_write(wire_->socket, all, into(error));
  }
}

Task<void> Connection::finish(const bool& stopped) {
  const Watch watch(wire_, patience_);
  Error error;
  if (opened_) co_await tls_->stream.async_shutdown(into(error));  // close_notify, and waits for the client's
  wire_->socket.shutdown(asio::socket_base::shutdown_send, error);
  std::array<char, 4096> scratch;
  size_t discarded = 0;
  while (!error && !stopped && discarded < kMostDiscarded) {
    const auto room = asio::buffer(scratch);
    discarded += co_await wire_->socket.async_read_some(room, into(error));
  }
  close();
}

}  // namespace weir::admin
