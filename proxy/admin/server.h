// The admin listener: HTTP/1.1 on the control thread, for people, scripts and Prometheus.
//
// Built by whoever owns the control thread's io_context; everything here runs on that thread. Slow,
// greedy and broken clients cost a place among `max_connections` for `timeout`, and weir nothing else.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "config/config.h"
#include "config/problem.h"
#include "proxy/admin/routes.h"
#include "proxy/net/address.h"
#include "proxy/net/tls_server.h"

namespace boost::asio {
class io_context;
}

namespace weir::admin {

struct Options {
  config::Admin admin;
  std::function<std::shared_ptr<const net::TlsServer>()> tls;  // asked at each connection; none: plain HTTP
  std::chrono::milliseconds handshake{5'000};                  // as a whole
  size_t max_handshakes = 32;                                  // at a time; of more the oldest is dropped
  std::chrono::milliseconds timeout{10'000};    // to read a whole request, to write a whole answer, and idle between
  size_t max_connections = 64;                  // more wait in the kernel's queue
  size_t max_event_readers = 16;                // of these; more are refused (503)
  int descriptor = -1;                          // listens already, for the weir before: nobody is accepted before
                                                // `accept`; -1: it is opened
  std::chrono::milliseconds heartbeat{15'000};  // a comment to those who read events, when nothing happens
};

class Server {
 public:
  /// Reads the token, binds and begins to accept; answers come once `io` runs. What is wrong with the
  /// address or the token file is told as problems of the configuration.
  static config::Result<std::unique_ptr<Server>> open(boost::asio::io_context& io, Options options, Sources sources);
  /// Stops. Must come before `io` goes; `io` may run on.
  ~Server();

  /// Where it listens: with the port that the kernel chose for port 0.
  const net::SocketAddress& address() const;
  /// What was taken over is this process' from here on.
  void accept();
  /// To be handed over; it stays this one's.
  int descriptor() const;
  /// Accepts nobody any more; connections end with their next answer, readers of events now. The socket is another
  /// process' from here on.
  void retire();
  /// A request is being answered.
  bool busy() const;
  /// Closes the listener and every connection; the sources are not called again.
  void stop();

 private:
  class Core;
  explicit Server(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
};

}  // namespace weir::admin
