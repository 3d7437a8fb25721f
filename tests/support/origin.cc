#include "tests/support/origin.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

namespace weir::testing {
namespace {

// Longer than any test lasts: the test's own patience ends first.
constexpr Duration kLong{60'000};

}  // namespace

const Request& Turn::read_body() {
  if (body_read_) return request_;
  body_read_ = true;
  read_request_body(wire_, request_, within(kLong));
  publish_();
  return request_;
}

std::string Turn::read_bytes(size_t count) {
  body_read_ = true;
  std::string bytes;
  wire_.take(count, bytes, within(kLong));
  return bytes;
}

std::string Turn::read_all() {
  body_read_ = true;
  return wire_.drain(within(kLong));
}

bool Turn::send(std::string_view bytes) { return wire_.send(bytes, within(kLong)); }

Script ok(std::string body, std::string lines) {
  return raw(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{}\r\n{}", body.size(), lines, body));
}

Script raw(std::string bytes) {
  return [bytes = std::move(bytes)](Turn& turn) {
    if (!turn.read_body().complete) return turn.close();
    turn.send(bytes);
  };
}

Script raw_then_close(std::string bytes) {
  return [bytes = std::move(bytes)](Turn& turn) {
    if (!turn.read_body().complete) return turn.close();
    turn.send(bytes);
    turn.close();
  };
}

Script raw_then_reset(std::string bytes) {
  return [bytes = std::move(bytes)](Turn& turn) {
    if (!turn.read_body().complete) return turn.close();
    turn.send(bytes);
    turn.reset();
  };
}

Script never() {
  return [](Turn& turn) {
    if (!turn.read_body().complete) return turn.close();
    turn.read_all();
    turn.close();
  };
}

Script echo() {
  return [](Turn& turn) {
    const Request& request = turn.read_body();
    if (!request.complete) return turn.close();
    turn.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", request.body.size()));
    turn.send(request.body);
  };
}

struct Origin::Connection {
  Wire wire;  // touched by its thread alone, but for shutdown(2) under the mutex
  std::thread thread;
  Visit visit;       // under the mutex
  bool open = true;  // under the mutex
};

Origin::Origin(Script script, const std::string& address, std::optional<TlsOptions> tls)
    : address_(address), tls_(std::move(tls)), default_(std::move(script)) {
  start();
}

Origin::Origin(const std::string& name) : Origin(ok(name, "X-Origin: " + name + "\r\n")) {}

Origin::~Origin() { stop(); }

void Origin::start() {
  listener_ = listen_on(address_);
  if (!address_.starts_with("unix:")) address_ = local_address(listener_);
  stopping_ = false;
  acceptor_ = std::thread([this] { accept_loop(); });
}

void Origin::stop() {
  if (!acceptor_.joinable()) return;
  stopping_ = true;
  ::shutdown(listener_.descriptor(), SHUT_RDWR);
  acceptor_.join();
  listener_.close();
  close_connections();
  for (auto& connection : open_)
    if (connection->thread.joinable()) connection->thread.join();
  if (!recording_) open_.clear();
}

void Origin::close_connections() {
  std::lock_guard lock(mutex_);
  for (auto& connection : open_)
    if (connection->open) ::shutdown(connection->wire.socket().descriptor(), SHUT_RDWR);
}

void Origin::accept_loop() {
  while (!stopping_) {
    int descriptor = ::accept4(listener_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) continue;
    int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto connection = std::make_unique<Connection>();
    connection->wire = Wire(Socket(descriptor));
    if (!recording_) connection->wire.forget();
    Connection& served = *connection;
    size_t number = connections_++;
    std::lock_guard lock(mutex_);
    open_.push_back(std::move(connection));
    served.thread = std::thread([this, &served, number] { serve(served, number); });
  }
}

void Origin::serve(Connection& connection, size_t number) {
  Wire& wire = connection.wire;
  const bool met = !tls_ || wire.secure(TlsSide::server(wire.socket().descriptor(), *tls_), within(kLong));
  if (met && tls_ && wire.tls()->resumed()) ++resumed_;
  while (met && serve_one(connection, number)) {
  }
  std::lock_guard lock(mutex_);
  keep_bytes(connection);
  if (connection.visit.end == End::none) connection.visit.end = connection.wire.end();
  if (connection.visit.end == End::none) connection.visit.end = End::clean;  // closed by the script
  connection.wire.close();
  connection.open = false;
}

bool Origin::serve_one(Connection& connection, size_t number) {
  Request request;
  request.connection = number;
  bool head = read_request_head(connection.wire, request, within(kLong));
  auto keep = keeper(connection, request);
  if (!head) {
    if (!request.fault.empty() || !request.method.empty()) keep();
    return false;
  }
  size_t at = 0;
  {
    std::lock_guard lock(mutex_);
    at = requests_.size();
    if (recording_) requests_.push_back(request);
  }
  Turn turn(connection.wire, request, [&, at] {
    if (request.complete) ++complete_;
    keep();
    std::lock_guard lock(mutex_);
    if (recording_) requests_[at] = request;
  });
  script_for(request.target)(turn);
  if (!turn.over() && !turn.body_read()) turn.read_body();
  if (turn.wants_reset()) {
    std::lock_guard lock(mutex_);
    connection.visit.end = End::reset;
    connection.open = false;
    connection.wire.socket().reset();
  }
  return !turn.over() && request.complete;
}

std::function<void()> Origin::keeper(Connection& connection, const Request& request) {
  return [this, &connection, &request] {
    std::lock_guard lock(mutex_);
    keep_bytes(connection);
    if (request.complete) ++connection.visit.requests;
    connection.visit.fault = request.fault;
  };
}

void Origin::keep_bytes(Connection& connection) {
  std::string& kept = connection.visit.bytes;
  const std::string& arrived = connection.wire.record();
  if (kept.size() < arrived.size()) kept.append(arrived, kept.size(), std::string::npos);
}

Script Origin::script_for(const std::string& target) const {
  std::lock_guard lock(mutex_);
  auto found = scripts_.find(target.substr(0, target.find('?')));
  return found == scripts_.end() ? default_ : found->second;
}

void Origin::on(const std::string& path, Script script) {
  std::lock_guard lock(mutex_);
  scripts_[path] = std::move(script);
}

void Origin::answer(Script script) {
  std::lock_guard lock(mutex_);
  default_ = std::move(script);
}

size_t Origin::open_connections() const {
  std::lock_guard lock(mutex_);
  size_t count = 0;
  for (const auto& connection : open_) count += connection->open ? 1 : 0;
  return count;
}

std::vector<Request> Origin::requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

std::vector<Visit> Origin::visits() const {
  std::lock_guard lock(mutex_);
  std::vector<Visit> all;
  for (const auto& connection : open_) all.push_back(connection->visit);
  return all;
}

bool Origin::wait_for_requests(size_t count, Duration patience) const {
  return wait_until([&] { return complete_requests() >= count; }, patience);
}

Request Origin::only_request() const {
  if (!wait_for_requests(1)) ADD_FAILURE() << "no complete request reached the origin";
  std::vector<Request> all = requests();
  EXPECT_EQ(all.size(), 1u) << "not exactly one request reached the origin";
  for (const Visit& visit : visits()) EXPECT_EQ(visit.fault, "") << "in: " << visit.bytes;
  return all.empty() ? Request{} : all.front();
}

}  // namespace weir::testing
