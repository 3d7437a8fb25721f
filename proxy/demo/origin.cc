#include "proxy/demo/origin.h"

#include <fmt/core.h>
#include <strings.h>

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <chrono>
#include <optional>
#include <random>
#include <sstream>
#include <string_view>
#include <thread>

namespace weir::demo {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
template <class T>
using Task = asio::awaitable<T>;
constexpr auto kQuietly = asio::as_tuple(asio::use_awaitable);
constexpr size_t kLargestHead = 64 * 1024;

struct Request {
  std::string method, path;
  bool wants_html = false;
  bool chunked = false;
  bool expects_continue = false;
  bool keep_alive = true;
  uint64_t body = 0;  // bytes, if not chunked
};

bool starts_with_name(std::string_view line, std::string_view name) {
  return line.size() > name.size() && line[name.size()] == ':' &&
         strncasecmp(line.data(), name.data(), name.size()) == 0;
}

/// weir in front has checked the head: here it is only read.
Request parse_head(std::string_view head) {
  Request request;
  const std::string_view first = head.substr(0, head.find("\r\n"));
  const size_t path = first.find(' ') + 1;
  request.method = first.substr(0, path - 1);
  request.path = first.substr(path, first.find(' ', path) - path);
  request.keep_alive = first.ends_with("/1.1");
  for (size_t at = first.size() + 2; at < head.size();) {
    const std::string_view line = head.substr(at, head.find("\r\n", at) - at);
    at += line.size() + 2;
    const std::string_view value = line.substr(std::min(line.find(':') + 1, line.size()));
    if (starts_with_name(line, "Accept")) request.wants_html = value.find("text/html") != std::string_view::npos;
    if (starts_with_name(line, "Transfer-Encoding")) request.chunked = true;
    if (starts_with_name(line, "Expect")) request.expects_continue = true;
    if (starts_with_name(line, "Connection") && value.find("close") != std::string_view::npos)
      request.keep_alive = false;
    if (starts_with_name(line, "Content-Length")) {
      const size_t digits = std::min(value.find_first_not_of(' '), value.size());
      std::from_chars(value.data() + digits, value.data() + value.size(), request.body);
    }
  }
  return request;
}

std::string escaped(std::string_view text) {
  std::string html;
  for (char c : text) {
    if (c == '<')
      html += "&lt;";
    else if (c == '&')
      html += "&amp;";
    else
      html += c;
  }
  return html;
}

std::string page(std::string_view version, const Request& request) {
  if (!request.wants_html) return fmt::format("the {} shop answers {} {}\n", version, request.method, request.path);
  return fmt::format(
      "<!doctype html><html lang=en><title>{0} shop</title><body style='font:2em sans-serif;margin:4em;background:{1}'>"
      "<h1>the {0} shop</h1><p>answers {2} {3}</p></body></html>\n",
      version, version == "old" ? "#eee" : "#cfc", escaped(request.method), escaped(request.path));
}

std::string response(std::string_view version, const Request& request, bool broken) {
  const std::string body = broken ? fmt::format("the {} shop is broken\n", version) : page(version, request);
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: {}; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n"
      "X-Shop-Version: {}\r\n{}\r\n{}",
      broken ? "500 Internal Server Error" : "200 OK", request.wants_html ? "text/html" : "text/plain", body.size(),
      version, request.keep_alive ? "" : "Connection: close\r\n", request.method == "HEAD" ? "" : body);
}

}  // namespace

/// Everything but the constructor and the destructor runs on its thread.
struct Origin::Shop {
  Shop(std::string its_version, const tcp::endpoint& where) : version(std::move(its_version)) {
    acceptor.open(where.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(where);
    acceptor.listen();
    asio::co_spawn(loop, accept(), asio::detached);
    thread = std::thread([this] { loop.run(); });
  }
  ~Shop() {
    loop.stop();
    thread.join();
  }

  Task<void> accept() {
    for (;;) {
      auto [error, socket] = co_await acceptor.async_accept(kQuietly);
      if (error == asio::error::operation_aborted) co_return;
      if (error) {  // out of descriptors, say: try again a little later
        co_await pause(std::chrono::milliseconds(20));
        continue;
      }
      socket.set_option(tcp::no_delay(true), error);
      asio::co_spawn(loop, serve(std::move(socket)), asio::detached);
    }
  }

  Task<void> serve(tcp::socket socket) {
    std::string received;
    for (bool open = true; open;) {
      const std::optional<Request> request = co_await read_request(socket, received);
      if (!request) co_return;
      co_await work();
      const std::string answer = response(version, *request, broken.load(std::memory_order_relaxed));
      const auto [error, size] = co_await asio::async_write(socket, asio::buffer(answer), kQuietly);
      open = !error && request->keep_alive;
    }
  }

  /// A whole request; nothing at the connection's end. What follows it stays in `received`.
  Task<std::optional<Request>> read_request(tcp::socket& socket, std::string& received) {
    const auto [error, size] = co_await read_through(socket, received, "\r\n\r\n");
    if (error) co_return std::nullopt;
    std::optional<Request> request = parse_head(std::string_view(received).substr(0, size - 2));
    received.erase(0, size);
    if (request->expects_continue) {
      const std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await asio::async_write(socket, asio::buffer(go_on), kQuietly);
    }
    const bool whole =
        request->chunked ? co_await skip_chunks(socket, received) : co_await skip(socket, received, request->body);
    if (!whole) co_return std::nullopt;
    co_return request;
  }

  Task<std::tuple<boost::system::error_code, size_t>> read_through(tcp::socket& socket, std::string& received,
                                                                   std::string_view mark) {
    auto buffer = asio::dynamic_buffer(received, kLargestHead);
    co_return co_await asio::async_read_until(socket, buffer, mark, kQuietly);
  }

  /// Reads and forgets `left` bytes; false if the client leaves before.
  Task<bool> skip(tcp::socket& socket, std::string& received, uint64_t left) {
    while (left > received.size()) {
      left -= received.size();
      received.resize(16 * 1024);
      const auto [error, size] = co_await socket.async_read_some(asio::buffer(received), kQuietly);
      received.resize(size);
      if (error) co_return false;
    }
    received.erase(0, left);
    co_return true;
  }

  Task<bool> skip_chunks(tcp::socket& socket, std::string& received) {
    for (;;) {
      const auto [error, size] = co_await read_through(socket, received, "\r\n");
      if (error) co_return false;
      uint64_t chunk = 0;
      std::from_chars(received.data(), received.data() + size, chunk, 16);
      received.erase(0, size);
      if (chunk == 0) break;
      if (!co_await skip(socket, received, chunk + 2)) co_return false;
    }
    for (;;) {  // trailers, up to an empty line
      const auto [error, size] = co_await read_through(socket, received, "\r\n");
      if (error) co_return false;
      received.erase(0, size);
      if (size == 2) co_return true;
    }
  }

  /// Mostly 0.2 to 0.5 ms, seldom more, as services are.
  Task<void> work() {
    std::exponential_distribution<double> tail(1.0 / 120);
    return pause(std::chrono::microseconds(200 + static_cast<int>(std::min(tail(chance), 3000.0))));
  }

  Task<void> pause(std::chrono::microseconds duration) {
    asio::steady_timer timer(loop, duration);
    co_await timer.async_wait(kQuietly);
  }

  std::string version;
  std::atomic<bool> broken{false};  // by any thread
  asio::io_context loop{1};
  tcp::acceptor acceptor{loop};
  std::minstd_rand chance{42};
  std::thread thread;
};

std::unique_ptr<Origin> Origin::listen(std::string version, const config::Address& address) {
  boost::system::error_code error;
  const auto ip = asio::ip::make_address(address.host, error);
  if (error) return nullptr;
  try {
    return std::unique_ptr<Origin>(
        new Origin(std::make_unique<Shop>(std::move(version), tcp::endpoint(ip, address.port))));
  } catch (const boost::system::system_error&) {
    return nullptr;
  }
}

Origin::Origin(std::unique_ptr<Shop> shop) : shop_(std::move(shop)) {}
Origin::~Origin() = default;

void Origin::break_down(bool broken) { shop_->broken.store(broken, std::memory_order_relaxed); }

std::string Origin::address() const {
  std::ostringstream text;
  text << shop_->acceptor.local_endpoint();
  return text.str();
}

}  // namespace weir::demo
