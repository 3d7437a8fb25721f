#include "tests/support/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

namespace weir::testing {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  int family() const { return storage.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress unix_address(const std::string& path) {
  SocketAddress address;
  auto* un = reinterpret_cast<sockaddr_un*>(&address.storage);
  un->sun_family = AF_UNIX;
  if (path.size() >= sizeof un->sun_path) throw std::runtime_error("too long for a unix socket: " + path);
  memcpy(un->sun_path, path.c_str(), path.size() + 1);
  address.length = sizeof *un;
  return address;
}

SocketAddress parse(const std::string& text) {
  if (text.starts_with("unix:")) return unix_address(text.substr(5));
  size_t colon = text.rfind(':');
  if (colon == std::string::npos) throw std::runtime_error("not an address: " + text);
  std::string host = text.substr(0, colon);
  auto port = static_cast<uint16_t>(std::stoi(text.substr(colon + 1)));
  SocketAddress address;
  if (host.starts_with('[')) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    if (inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6->sin6_addr) != 1)
      throw std::runtime_error("not an address: " + text);
    address.length = sizeof *v6;
    return address;
  }
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  v4->sin_family = AF_INET;
  v4->sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) != 1) throw std::runtime_error("not an address: " + text);
  address.length = sizeof *v4;
  return address;
}

bool wait_for(int descriptor, short events, Deadline deadline) {
  pollfd entry{descriptor, events, 0};
  for (;;) {
    int ready = ::poll(&entry, 1, milliseconds_left(deadline));
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) return false;
  }
}

void set_option(int descriptor, int level, int name, int value) {
  ::setsockopt(descriptor, level, name, &value, sizeof value);
}

}  // namespace

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this == &other) return *this;
  close();
  descriptor_ = other.release();
  return *this;
}

int Socket::release() { return std::exchange(descriptor_, -1); }

void Socket::close() {
  if (descriptor_ >= 0) ::close(release());
}

void Socket::finish() { ::shutdown(descriptor_, SHUT_WR); }

void Socket::reset() {
  linger now{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

Socket connect_to(const std::string& text, const ConnectOptions& options) {
  SocketAddress address = parse(text);
  Socket socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (options.receive_buffer > 0) set_option(socket.descriptor(), SOL_SOCKET, SO_RCVBUF, options.receive_buffer);
  if (!options.from.empty()) {
    SocketAddress from = parse(options.from + ":0");
    if (::bind(socket.descriptor(), from.get(), from.length) != 0) return Socket();
  }
  if (::connect(socket.descriptor(), address.get(), address.length) != 0) return Socket();
  if (address.family() != AF_UNIX) set_option(socket.descriptor(), IPPROTO_TCP, TCP_NODELAY, 1);
  return socket;
}

Socket start_connect(const std::string& text) {
  SocketAddress address = parse(text);
  Socket socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(socket.descriptor(), address.get(), address.length) != 0 && errno != EINPROGRESS) return Socket();
  return socket;
}

Socket listen_on(const std::string& text, int backlog) {
  SocketAddress address = parse(text);
  if (address.family() == AF_UNIX) ::unlink(text.c_str() + 5);
  Socket socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  set_option(socket.descriptor(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (::bind(socket.descriptor(), address.get(), address.length) != 0 || ::listen(socket.descriptor(), backlog) != 0)
    throw std::runtime_error("cannot listen on " + text + ": " + strerror(errno));
  return socket;
}

std::string local_address(const Socket& socket) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  ::getsockname(socket.descriptor(), reinterpret_cast<sockaddr*>(&storage), &length);
  char text[INET6_ADDRSTRLEN] = {};
  if (storage.ss_family == AF_INET6) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6->sin6_port));
  }
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
  return std::string(text) + ":" + std::to_string(ntohs(v4->sin_port));
}

std::string own_loopback() {
  auto id = static_cast<uint32_t>(::getpid());
  return "127." + std::to_string(64 + ((id >> 16) & 0x3f)) + "." + std::to_string((id >> 8) & 0xff) + "." +
         std::to_string(id & 0xff);
}

uint16_t free_port(const std::string& host) {
  std::string address = local_address(listen_on(host + ":0", 1));
  return static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

std::string_view end_text(End end) {
  switch (end) {
    case End::none:
      return "open";
    case End::clean:
      return "closed";
    case End::reset:
      return "reset";
    case End::timeout:
      return "silent";
  }
  return "?";
}

bool Wire::fill(Deadline deadline) {
  if (end_ == End::clean || end_ == End::reset) return false;
  char bytes[65536];
  for (;;) {
    const bool ready = tls_ && waits_for_ == 0;  // TLS may hold bytes that the kernel has none of
    if (!ready && !wait_for(socket_.descriptor(), tls_ ? waits_for_ : POLLIN, deadline)) {
      end_ = End::timeout;
      return false;
    }
    ssize_t count = receive(bytes, sizeof bytes);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count <= 0) {
      end_ = count == 0 ? End::clean : End::reset;
      return false;
    }
    end_ = End::none;
    buffer_.append(bytes, static_cast<size_t>(count));
    if (recording_) record_.append(bytes, static_cast<size_t>(count));
    return true;
  }
}

bool Wire::secure(std::unique_ptr<TlsSide> tls, Deadline deadline) {
  tls_ = std::move(tls);
  return tls_->shake_hands(deadline);
}

void Wire::finish() {
  if (tls_) tls_->finish();
  socket_.finish();
}

void Wire::close() {
  if (tls_) tls_->finish();
  socket_.close();
}

/// As recv(2); a connection that ends without close_notify was cut, as if reset.
ssize_t Wire::receive(char* into, size_t room) {
  if (!tls_) return ::recv(socket_.descriptor(), into, room, MSG_DONTWAIT);
  size_t size = 0;
  waits_for_ = 0;
  switch (tls_->read(into, room, size)) {
    case TlsStep::done:
      return static_cast<ssize_t>(size);
    case TlsStep::end:
      return 0;
    case TlsStep::broken:
      errno = ECONNRESET;
      return -1;
    case TlsStep::wants_read:
      waits_for_ = POLLIN;
      break;
    case TlsStep::wants_write:
      waits_for_ = POLLOUT;
      break;
  }
  errno = EAGAIN;
  return -1;
}

ssize_t Wire::transmit(std::string_view bytes) {
  if (!tls_) return ::send(socket_.descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  size_t size = 0;
  const TlsStep how = tls_->write(bytes, size);
  if (how == TlsStep::done) return static_cast<ssize_t>(size);
  errno = how == TlsStep::wants_write || how == TlsStep::wants_read ? EAGAIN : EPIPE;
  return -1;
}

std::optional<std::string> Wire::line(Deadline deadline) {
  size_t searched = 0;
  for (;;) {
    size_t at = buffer_.find('\n', searched);
    if (at != std::string::npos) {
      std::string found = buffer_.substr(0, at + 1);
      buffer_.erase(0, at + 1);
      return found;
    }
    searched = buffer_.size();
    if (!fill(deadline)) return std::nullopt;
  }
}

bool Wire::take(size_t count, std::string& into, Deadline deadline) {
  for (;;) {
    size_t some = std::min(count, buffer_.size());
    into.append(buffer_, 0, some);
    buffer_.erase(0, some);
    count -= some;
    if (count == 0) return true;
    if (!fill(deadline)) return false;
  }
}

std::string Wire::take_buffer() { return std::exchange(buffer_, {}); }

std::string Wire::drain(Deadline deadline) {
  while (fill(deadline)) {
  }
  return take_buffer();
}

bool Wire::send(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    if (!wait_for(socket_.descriptor(), POLLOUT, deadline)) return false;
    ssize_t count = transmit(bytes);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

}  // namespace weir::testing
