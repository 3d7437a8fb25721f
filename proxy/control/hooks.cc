#include "proxy/control/hooks.h"

#include <fmt/format.h>
#include <netdb.h>
#include <pthread.h>

#include <boost/asio/post.hpp>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "proxy/http/head.h"
#include "proxy/net/alarm.h"
#include "proxy/net/bytes.h"
#include "proxy/net/stream.h"
#include "proxy/net/task.h"
#include "proxy/net/tls_client.h"

namespace weir::control {

namespace {

constexpr size_t kHeadLimit = 16 * 1024;

/// A name being looked up on a thread that nobody waits for: getaddrinfo cannot be interrupted.
class Lookup : public std::enable_shared_from_this<Lookup> {
 public:
  static std::shared_ptr<Lookup> begin(const config::HookUrl& url, net::Loop& loop, net::Waiter& waiter) {
    auto lookup = std::make_shared<Lookup>();
    lookup->loop_ = &loop;
    lookup->waiter_ = &waiter;
    std::thread([lookup, host = url.host, port = url.port] { lookup->ask(host, port); }).detach();
    return lookup;
  }
  /// Nobody wants it any more.
  void forget() {
    const std::lock_guard lock(mutex_);
    loop_ = nullptr;
  }
  bool done() {
    const std::lock_guard lock(mutex_);
    return done_;
  }
  std::optional<net::SocketAddress> found() {
    const std::lock_guard lock(mutex_);
    return found_;
  }

 private:
  void ask(const std::string& host, uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* first = nullptr;
    const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &first);
    const std::lock_guard lock(mutex_);
    done_ = true;
    if (failed == 0 && first != nullptr) {
      found_.emplace();
      std::memcpy(found_->get(), first->ai_addr, first->ai_addrlen);
      found_->length = first->ai_addrlen;
    }
    if (failed == 0) ::freeaddrinfo(first);
    if (loop_) loop_->post([self = shared_from_this()] { self->wake(); });
  }

  void wake() {
    const std::lock_guard lock(mutex_);
    if (loop_) waiter_->wake();
  }

  std::mutex mutex_;
  net::Loop* loop_ = nullptr;
  net::Waiter* waiter_ = nullptr;
  bool done_ = false;
  std::optional<net::SocketAddress> found_;
};

std::string request_of(const HookCall& call) {
  const bool six = call.url.host.find(':') != std::string::npos;
  const bool usual = call.url.port == (call.url.https ? 443 : 80);
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: {}{}{}{}\r\nUser-Agent: weir\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\nConnection: close\r\n\r\n{}",
      call.url.path, six ? "[" : "", call.url.host, six ? "]" : "", usual ? "" : fmt::format(":{}", call.url.port),
      call.json.size(), call.json);
}

}  // namespace

/// Calls to one address, one after the other. The hooks' thread.
class Hooks::Line {
 public:
  Line(Hooks& hooks) : hooks_(hooks), waiter_(hooks.loop_), alarm_(hooks.loop_, waiter_), stream_(hooks.loop_) {
    stream_.wake_with(&waiter_);
    frame_ = go_on();
    frame_.start();
  }
  ~Line() {
    if (lookup_) lookup_->forget();
    frame_.destroy();
  }

  /// False: too many wait.
  bool add(HookCall& call) {
    if (waiting_.size() >= kWaiting) return false;
    waiting_.push_back(std::move(call));
    waiter_.wake();
    return true;
  }

 private:
  net::Detached go_on() {
    for (;;) {
      while (waiting_.empty()) co_await waiter_.event();
      HookCall call = std::move(waiting_.front());
      waiting_.pop_front();
      alarm_.ring_in(call.timeout);
      auto made = make(call);
      std::string why = co_await made;
      alarm_.stop();
      stream_.close();
      input_.clear();
      tell(std::move(call), std::move(why));
    }
  }

  void tell(HookCall call, std::string why) {
    boost::asio::post(hooks_.io_,
                      [called = hooks_.called_, call = std::move(call), why = std::move(why)] { called(call, why); });
  }

  net::Task<std::string> make(const HookCall& call);
  net::Task<std::string> reach(const HookCall& call);
  std::string not_reached(int error) const;
  std::string take_answer(bool& whole);

  Hooks& hooks_;
  net::Waiter waiter_;
  net::Alarm alarm_;
  net::TlsMemory tls_memory_;
  std::shared_ptr<const net::TlsClient> tls_;
  net::Stream stream_;
  net::Bytes input_;
  http::ResponseHead head_;
  std::shared_ptr<Lookup> lookup_;
  std::deque<HookCall> waiting_;
  net::Detached frame_;
};

net::Task<std::string> Hooks::Line::reach(const HookCall& call) {
  const std::string late = fmt::format("no connection within {} ms", call.timeout.count());
  std::optional<net::SocketAddress> address;
  if (const auto literal = config::parse_ip(call.url.host)) {
    address = net::make_address(*literal, call.url.port);
  } else {
    lookup_ = Lookup::begin(call.url, hooks_.loop_, waiter_);
    while (!lookup_->done() && !alarm_.rang()) co_await waiter_.event();
    lookup_->forget();
    if (!lookup_->done()) co_return call.url.host + " is not resolved in time";
    address = lookup_->found();
    if (!address) co_return call.url.host + " does not resolve";
  }
  if (!stream_.connect(*address)) co_return std::string(std::strerror(errno));
  if (call.url.https) {
    if (!tls_) {
      auto loaded = net::TlsClient::load({}, net::Dates::must_hold);
      if (!loaded) co_return loaded.problems().front().what;
      tls_ = *loaded;
    }
    stream_.ask_tls(tls_, call.url.host, tls_memory_);
  }
  for (;;) {
    const net::Io io = stream_.connected();
    if (io.state == net::IoState::ok) co_return std::string();
    if (io.state != net::IoState::again) co_return not_reached(io.error);
    if (alarm_.rang()) co_return late;
    co_await waiter_.event();
  }
}

std::string Hooks::Line::not_reached(int error) const {
  const net::Tls* const tls = stream_.tls();
  if (tls == nullptr || tls->fault() == net::TlsFault::none) return std::strerror(error);
  return tls->complaint().empty() ? "TLS was not agreed upon" : "TLS: " + tls->complaint();
}

/// Why it failed; `whole`: its head is there.
std::string Hooks::Line::take_answer(bool& whole) {
  for (;;) {
    const http::ParseResult parsed = http::parse_response(input_.view(), {.bytes = kHeadLimit}, head_);
    if (parsed.state == http::Parsed::partial && input_.size() <= kHeadLimit) return {};
    whole = true;
    if (parsed.state != http::Parsed::complete) return "the answer is no HTTP";
    const unsigned status = head_.status;
    if (status >= 200) return status < 300 ? std::string() : fmt::format("answered {}", status);
    whole = false;
    input_.consume(parsed.size);
  }
}

net::Task<std::string> Hooks::Line::make(const HookCall& call) {
  auto reached = reach(call);
  std::string why = co_await reached;
  if (!why.empty()) co_return why;
  const std::string request = request_of(call);
  size_t written = 0;
  while (!alarm_.rang()) {
    net::Io io;
    if (written < request.size()) {
      io = stream_.write(std::string_view(request).substr(written));
      if (io.state == net::IoState::ok) {
        written += io.size;
        continue;
      }
    } else {
      io = stream_.read(input_.room(4096));
      if (io.state == net::IoState::ok) {
        input_.grow(io.size);
        bool whole = false;
        why = take_answer(whole);
        if (whole) co_return why;
        continue;
      }
    }
    if (io.state != net::IoState::again) co_return std::string("the connection ended before an answer");
    co_await waiter_.event();
  }
  co_return fmt::format("no answer within {} ms", call.timeout.count());
}

Hooks::Hooks(boost::asio::io_context& io, Called called) : io_(io), called_(std::move(called)) {
  thread_ = std::thread([this] { loop_.run(); });
  pthread_setname_np(thread_.native_handle(), "weir-hooks");
}

Hooks::~Hooks() { stop(); }

void Hooks::call(HookCall call) {
  auto shared = std::make_shared<HookCall>(std::move(call));
  loop_.post([this, shared] { add(std::move(*shared)); });
}

void Hooks::add(HookCall call) {
  auto& line = lines_[call.url.text];
  if (!line) line = std::make_unique<Line>(*this);
  if (line->add(call)) return;
  boost::asio::post(io_, [called = called_, call = std::move(call)] { called(call, "too many calls wait"); });
}

void Hooks::stop() {
  if (!thread_.joinable()) return;
  loop_.post([this] { lines_.clear(); });
  loop_.stop();
  thread_.join();
}

}  // namespace weir::control
