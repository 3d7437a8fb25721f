#include "proxy/cli/admin_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

namespace weir::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kLongestReply = 64 * 1024 * 1024;

/// Owns a descriptor.
class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

/// Waits until the socket is ready for `events`; false when the time is over.
bool wait_for(int descriptor, short events, Clock::time_point end) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) return false;
    pollfd waiting{descriptor, events, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

/// Connected, or errno.
std::variant<Socket, int> connect_to(int family, const sockaddr* address, socklen_t size, Clock::time_point end) {
  Socket socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.descriptor() < 0) return errno;
  if (::connect(socket.descriptor(), address, size) == 0) return socket;
  if (errno != EINPROGRESS) return errno;
  if (!wait_for(socket.descriptor(), POLLOUT, end)) return ETIMEDOUT;
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) return error;
  return socket;
}

NoReply not_connected(const config::Address& address, int error) {
  NoReply reply{fmt::format("cannot reach a running weir at {}: {}", address.text, std::strerror(error)),
                "is weir running, and is this the address of its `admin:`? name another with --admin or WEIR_ADMIN"};
  if (error == EACCES || error == EPERM) {
    reply.advice = "the socket's file is weir's user's and group's (mode 0660): be one of them, or use sudo";
  } else if (error == ENOENT) {
    reply.advice = "there is no such socket: is weir running, and is `admin.address` this path?";
  }
  return reply;
}

std::variant<Socket, NoReply> connect_unix(const config::Address& address, Clock::time_point end) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, address.path.c_str(), sizeof name.sun_path - 1);
  auto connected = connect_to(AF_UNIX, reinterpret_cast<const sockaddr*>(&name), sizeof name, end);
  if (auto* socket = std::get_if<Socket>(&connected)) return std::move(*socket);
  return not_connected(address, std::get<int>(connected));
}

std::variant<Socket, NoReply> connect_tcp(const config::Address& address, Clock::time_point end) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (failed != 0) {
    return NoReply{fmt::format("{} is no host that can be found: {}", address.host, ::gai_strerror(failed)),
                   "look at the host's name in --admin or WEIR_ADMIN"};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(found, ::freeaddrinfo);
  int error = ECONNREFUSED;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    auto connected = connect_to(one->ai_family, one->ai_addr, one->ai_addrlen, end);
    if (auto* socket = std::get_if<Socket>(&connected)) return std::move(*socket);
    error = std::get<int>(connected);
  }
  return not_connected(address, error);
}

std::string bytes_of(const config::Address& address, const AdminRequest& request) {
  const bool is_unix = address.kind == config::Address::Kind::unix_path;
  std::string bytes = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: weir/{}\r\nConnection: close\r\n",
                                  request.method, request.target, is_unix ? "localhost" : address.text, WEIR_VERSION);
  for (const auto& [name, value] : request.fields) bytes += fmt::format("{}: {}\r\n", name, value);
  if (!request.body.empty()) bytes += "Content-Type: application/json\r\n";
  if (request.method != "GET") bytes += fmt::format("Content-Length: {}\r\n", request.body.size());
  return bytes + "\r\n" + request.body;
}

bool send_all(int descriptor, std::string_view bytes, Clock::time_point end) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      if (!wait_for(descriptor, POLLOUT, end)) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

enum class Read { whole, late, broken };

/// Everything until the peer closes.
Read receive_all(int descriptor, std::string& bytes, Clock::time_point end) {
  char piece[16 * 1024];
  while (bytes.size() < kLongestReply) {
    const ssize_t count = ::recv(descriptor, piece, sizeof piece, 0);
    if (count == 0) return Read::whole;
    if (count > 0) {
      bytes.append(piece, static_cast<size_t>(count));
    } else if (errno == EAGAIN) {
      if (!wait_for(descriptor, POLLIN, end)) return Read::late;
    } else if (errno != EINTR) {
      return Read::broken;
    }
  }
  return Read::broken;
}

std::string lower(std::string_view text) {
  std::string copy(text);
  std::transform(copy.begin(), copy.end(), copy.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return copy;
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// An answer as the admin writes them: a length, never chunks (RFC 9112 §6.2). Nothing for anything else.
std::optional<AdminReply> read_reply(std::string_view bytes) {
  const size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos || !bytes.starts_with("HTTP/1.") || bytes.size() < 12) return std::nullopt;
  AdminReply reply;
  const auto [rest, error] = std::from_chars(bytes.data() + 9, bytes.data() + 12, reply.status);
  if (error != std::errc{} || rest != bytes.data() + 12) return std::nullopt;
  std::string_view lines = bytes.substr(0, end + 2);
  for (lines.remove_prefix(lines.find("\r\n") + 2); !lines.empty(); lines.remove_prefix(lines.find("\r\n") + 2)) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    const size_t colon = std::min(line.find(':'), line.size());
    reply.fields.emplace(lower(line.substr(0, colon)), trimmed(line.substr(std::min(colon + 1, line.size()))));
  }
  reply.body = bytes.substr(end + 4);
  if (reply.field("content-length") != std::to_string(reply.body.size())) return std::nullopt;
  return reply;
}

}  // namespace

std::string AdminReply::field(const std::string& name) const {
  const auto found = fields.find(name);
  return found == fields.end() ? "" : found->second;
}

std::variant<AdminReply, NoReply> ask_admin(const config::Address& address, const AdminRequest& request,
                                            AdminPatience patience) {
  const auto connect_end = Clock::now() + patience.connect;
  auto connected = address.kind == config::Address::Kind::unix_path ? connect_unix(address, connect_end)
                                                                    : connect_tcp(address, connect_end);
  if (auto* failed = std::get_if<NoReply>(&connected)) return std::move(*failed);
  const int descriptor = std::get<Socket>(connected).descriptor();
  const auto end = Clock::now() + patience.answer;
  std::string bytes;
  const bool sent = send_all(descriptor, bytes_of(address, request), end);
  const Read read = receive_all(descriptor, bytes, end);
  if (read == Read::late) {
    return NoReply{fmt::format("{} did not answer within {} s", address.text, patience.answer.count() / 1000),
                   "what was asked may have been done: look with `weir split show` and `weir history`"};
  }
  auto reply = read_reply(bytes);
  if (reply) return std::move(*reply);
  const bool silent = bytes.empty() || !sent;
  return NoReply{
      fmt::format("{} {}", address.text,
                  silent ? "closed the connection without an answer" : "did not answer as weir's admin does"),
      "is this the address of weir's `admin:`, and not of a listener or of another program?"};
}

}  // namespace weir::cli
