// An origin that records every byte it gets and answers as the test says: well, badly, late or never.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/message.h"

namespace weir::testing {

/// One request at the origin, in the hands of a script. Lives on the thread of its connection.
class Turn {
 public:
  Turn(Wire& wire, Request& request, std::function<void()> publish)
      : wire_(wire), request_(request), publish_(std::move(publish)) {}

  /// The head; the body too once read_body was called.
  const Request& request() const { return request_; }
  const Request& read_body();
  /// At least `count` bytes of whatever the client sends (after 101, or a raw body); fewer at its end.
  std::string read_bytes(size_t count);
  /// Waits until the peer closes or half-closes; what came meanwhile.
  std::string read_all();
  bool send(std::string_view bytes);
  void finish() { wire_.socket().finish(); }
  void close() { over_ = true; }
  void reset() { over_ = reset_ = true; }

  bool over() const { return over_; }
  bool wants_reset() const { return reset_; }
  bool body_read() const { return body_read_; }

 private:
  Wire& wire_;
  Request& request_;
  std::function<void()> publish_;
  bool over_ = false, reset_ = false, body_read_ = false;
};

/// Runs once for each request, as soon as its head is read. What it leaves of the body is read after it.
using Script = std::function<void(Turn&)>;

/// Reads the request, then 200 with this body and these further header lines (each with its CRLF).
Script ok(std::string body, std::string lines = "");
/// Reads the request, then sends these bytes as they are.
Script raw(std::string bytes);
/// The same, and then closes, or resets, the connection.
Script raw_then_close(std::string bytes);
Script raw_then_reset(std::string bytes);
/// Reads the request and never answers.
Script never();
/// Answers with the request's body, by length.
Script echo();

/// What one connection of the origin saw.
struct Visit {
  std::string bytes;    // all that arrived
  size_t requests = 0;  // complete ones
  End end = End::none;  // none: still open
  std::string fault;    // what was not well formed
};

/// Listens from construction to destruction; a thread a connection. All methods are safe from the test's thread.
class Origin {
 public:
  /// Answers every path by `script`; `address` may be a unix socket or a fixed port.
  explicit Origin(Script script, const std::string& address = "127.0.0.1:0", std::optional<TlsOptions> tls = {});
  /// Answers 200 with `name` as the body and in `X-Origin`.
  explicit Origin(const std::string& name = "origin");
  ~Origin();
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;

  const std::string& address() const { return address_; }
  /// Another script for one path (the target without its query).
  void on(const std::string& path, Script script);
  void answer(Script script);
  /// Keeps no bytes and no requests, only counts (for load).
  void forget() { recording_ = false; }

  /// Connections accepted so far, open now, and complete requests read so far.
  size_t connections() const { return connections_; }
  size_t open_connections() const;
  size_t complete_requests() const { return complete_; }
  /// How many connections came back with a TLS session.
  size_t resumed() const { return resumed_; }
  /// Requests whose head was read, in order; those still coming in too.
  std::vector<Request> requests() const;
  std::vector<Visit> visits() const;
  bool wait_for_requests(size_t count, Duration patience = kPatience) const;

  /// The one request this origin got: a failure of the test if there is none, more than one, or if any
  /// byte of what arrived is not part of it.
  Request only_request() const;

  /// Closes every connection now (an origin's idle time-out), or the whole origin; start() opens it again
  /// on the same address.
  void close_connections();
  void stop();
  void start();

 private:
  struct Connection;
  void accept_loop();
  void serve(Connection& connection, size_t number);
  bool serve_one(Connection& connection, size_t number);
  static void keep_bytes(Connection& connection);
  Script script_for(const std::string& target) const;
  std::function<void()> keeper(Connection& connection, const Request& request);

  std::string address_;
  std::optional<TlsOptions> tls_;
  std::atomic<size_t> resumed_{0};
  Socket listener_;
  std::thread acceptor_;
  std::atomic<bool> stopping_{false}, recording_{true};
  std::atomic<size_t> connections_{0}, complete_{0};
  mutable std::mutex mutex_;
  Script default_;
  std::map<std::string, Script> scripts_;
  std::list<std::unique_ptr<Connection>> open_;
  std::vector<Request> requests_;
};

}  // namespace weir::testing
