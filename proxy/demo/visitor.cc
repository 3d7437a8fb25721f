#include "proxy/demo/visitor.h"

#include <fmt/core.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <random>

#include "proxy/net/address.h"

namespace weir::demo {
namespace {

constexpr unsigned kThreads = 4;
constexpr unsigned kUsers = 100'000;
constexpr timeval kPatience{.tv_sec = 5, .tv_usec = 0};

/// The address to connect to; nothing for a name that is not `localhost`.
std::optional<net::SocketAddress> reachable(config::Address address) {
  if (address.host == "0.0.0.0" || address.host == "localhost") address.host = "127.0.0.1";
  if (address.host == "::") address.host = "::1";
  return net::literal_address(address);
}

/// The value of a field in a head; empty if it is not there.
std::string_view value_of(std::string_view head, std::string_view name) {
  for (size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    if (strncasecmp(line.data(), name.data(), name.size()) != 0) continue;
    const std::string_view value = line.substr(name.size() + 1);
    return value.substr(std::min(value.find_first_not_of(' '), value.size()));
  }
  return {};
}

template <class Number>
Number number_of(std::string_view digits) {
  Number number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

}  // namespace

Visitor::Visitor(config::Address edge) : edge_(std::move(edge)) {}
Visitor::~Visitor() { close(); }

void Visitor::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

bool Visitor::connect() {
  const auto address = reachable(edge_);
  if (!address) return false;
  socket_ = ::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return false;
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket_, address->get(), address->length) == 0) return true;
  close();
  return false;
}

bool Visitor::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

std::optional<Answer> Visitor::read_answer() {
  std::string received;
  std::optional<Answer> answer;
  size_t whole = 0;  // bytes of head and body, once the head is there
  bool keep = false;
  while (!answer || received.size() < whole) {
    char bytes[8192];
    const ssize_t size = ::recv(socket_, bytes, sizeof bytes, 0);
    if (size <= 0) return std::nullopt;
    received.append(bytes, static_cast<size_t>(size));
    const size_t end = received.find("\r\n\r\n");
    if (answer || end == std::string::npos) continue;
    const auto head = std::string_view(received).substr(0, end + 2);
    const std::string_view length = value_of(head, "Content-Length");
    answer = Answer{number_of<unsigned>(head.substr(std::min<size_t>(9, head.size()))),
                    std::string(value_of(head, "X-Shop-Version"))};
    keep = !length.empty() && value_of(head, "Connection") != "close";
    whole = end + 4 + number_of<size_t>(length);
  }
  if (!keep) close();
  return answer;
}

std::optional<Answer> Visitor::try_once(std::string_view request) {
  if (socket_ < 0 && !connect()) return std::nullopt;
  std::optional<Answer> answer;
  if (send(request)) answer = read_answer();
  if (!answer) close();
  return answer;
}

std::optional<Answer> Visitor::ask(std::string_view header_lines) {
  const std::string request = fmt::format("GET / HTTP/1.1\r\nHost: shop.example\r\n{}\r\n", header_lines);
  const bool kept = socket_ >= 0;
  auto answer = try_once(request);
  if (!answer && kept) answer = try_once(request);  // the kept connection may have ended meanwhile
  return answer;
}

Crowd::Crowd(config::Address edge, unsigned per_second) {
  if (per_second == 0) return;
  const std::chrono::nanoseconds pace(1'000'000'000LL * kThreads / per_second);
  for (unsigned i = 0; i < kThreads; ++i) {
    threads_.emplace_back([this, i, pace, edge] { walk(i, pace, edge); });
  }
}

Crowd::~Crowd() {
  {
    const std::lock_guard lock(mutex_);
    going_home_ = true;
  }
  home_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool Crowd::wait_until(std::chrono::steady_clock::time_point when) {
  std::unique_lock lock(mutex_);
  return !home_.wait_until(lock, when, [this] { return going_home_; });
}

void Crowd::walk(unsigned seed, std::chrono::nanoseconds pace, const config::Address& edge) {
  Visitor visitor(edge);
  std::mt19937 chance(seed);
  std::uniform_int_distribution<unsigned> user(1, kUsers);
  auto next = std::chrono::steady_clock::now() + pace * seed / kThreads;
  while (wait_until(next)) {
    const bool answered = visitor.ask(fmt::format("Cookie: uid=user-{}\r\n", user(chance))).has_value();
    const auto now = std::chrono::steady_clock::now();
    // Nobody catches up with what was missed; a weir that does not answer is not hammered.
    next = std::max(next + pace, answered ? now : now + std::chrono::milliseconds(200));
  }
}

}  // namespace weir::demo
