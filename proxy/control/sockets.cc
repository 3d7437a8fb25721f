#include "proxy/control/sockets.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace weir::control {

namespace {

constexpr int kBacklog = 4096;  // the kernel takes somaxconn if that is less

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

config::Problems problem(const config::Listener& listener, std::string_view step, int error) {
  std::string what = "listener " + listener.name + ": cannot " + std::string(step) + " " + listener.address.text +
                     ": " + std::strerror(error);
  if (error == EADDRINUSE)
    what += "; another process (a second weir?) listens there: stop it, or choose another address";
  if (error == EACCES) what += "; ports below 1024 need CAP_NET_BIND_SERVICE, or a socket of systemd: systemd:NAME";
  if (error == EADDRNOTAVAIL) what += "; this machine has no such address";
  return {{listener.where, what}};
}

int open_tcp(const net::SocketAddress& address, bool reuse_port) {
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (reuse_port) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  // `[::]` means IPv6 and IPv4, as it does for most peers; other IPv6 addresses have no IPv4 side.
  const bool ok = ::bind(fd, address.get(), address.length) == 0 && ::listen(fd, kBacklog) == 0;
  if (ok) return fd;
  const int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

net::SocketAddress bound_address(int fd) {
  net::SocketAddress address;
  address.length = sizeof address.storage;
  ::getsockname(fd, address.get(), &address.length);
  return address;
}

std::optional<net::SocketAddress> resolve(const config::Address& address) {
  if (const auto literal = net::literal_address(address)) return literal;
  if (address.kind != config::Address::Kind::host_port) return std::nullopt;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found) != 0) return std::nullopt;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  net::SocketAddress out;
  std::memcpy(&out.storage, found->ai_addr, found->ai_addrlen);
  out.length = found->ai_addrlen;
  return out;
}

config::Result<ListenSockets> listen_on_tcp(const config::Listener& listener, net::SocketAddress address,
                                            size_t workers) {
  {
    const Descriptor alone(open_tcp(address, false));
    if (alone.get() < 0) return problem(listener, "listen on", errno);
    address = bound_address(alone.get());  // port 0 has become one that all workers share
  }
  ListenSockets sockets{address, {}, false};
  for (size_t i = 0; i < workers; ++i) {
    const int fd = open_tcp(address, true);
    if (fd < 0) {
      const int error = errno;
      sockets.close();
      return problem(listener, "listen on", error);
    }
    sockets.descriptors.push_back(fd);
  }
  return sockets;
}

/// One queue that all workers accept from; `fd` stays the caller's.
config::Result<ListenSockets> shared_by(const config::Listener& listener, size_t workers, int fd,
                                        const net::SocketAddress& address) {
  ListenSockets sockets{address, {}, true};
  for (size_t i = 0; i < workers; ++i) {
    const int duplicate = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (duplicate < 0) {
      const int error = errno;
      sockets.close();
      return problem(listener, "duplicate", error);
    }
    sockets.descriptors.push_back(duplicate);
  }
  return sockets;
}

/// A socket file that nobody answers on is what a killed process left behind.
bool remove_stale(const net::SocketAddress& address, const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return errno == ENOENT;
  if (!S_ISSOCK(found.st_mode)) return errno = EEXIST, false;
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(probe.get(), address.get(), address.length) == 0) return errno = EADDRINUSE, false;
  return ::unlink(path.c_str()) == 0;
}

config::Result<ListenSockets> listen_on_unix(const config::Listener& listener, const net::SocketAddress& address,
                                             size_t workers) {
  const std::string& path = listener.address.path;
  if (!remove_stale(address, path)) return problem(listener, "listen on", errno);
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const bool ok = socket.get() >= 0 && ::bind(socket.get(), address.get(), address.length) == 0 &&
                  ::chmod(path.c_str(), 0666) == 0 && ::listen(socket.get(), kBacklog) == 0;
  if (!ok) return problem(listener, "listen on", errno);
  return shared_by(listener, workers, socket.get(), address);
}

/// A socket that weir was started with; the original stays open.
config::Result<ListenSockets> listen_on_passed(const config::Listener& listener, const unit::PassedSockets& passed,
                                               size_t workers) {
  const auto found = passed.find(listener.address.host);
  if (found.fd < 0) {
    return config::Problems{
        {listener.where, "listener " + listener.name + ": " + listener.address.text + ": " + found.wrong}};
  }
  const int flags = ::fcntl(found.fd, F_GETFL);
  if (flags < 0 || ::fcntl(found.fd, F_SETFL, flags | O_NONBLOCK) != 0) return problem(listener, "adopt", errno);
  return shared_by(listener, workers, found.fd, bound_address(found.fd));
}

}  // namespace

void ListenSockets::close() {
  for (const int fd : descriptors) ::close(fd);
  descriptors.clear();
}

config::Result<ListenSockets> listen_on(const config::Listener& listener, const unit::PassedSockets& passed,
                                        size_t workers) {
  if (listener.address.kind == config::Address::Kind::passed) return listen_on_passed(listener, passed, workers);
  const auto address = resolve(listener.address);
  if (!address) {
    return config::Problems{
        {listener.where, "listener " + listener.name + ": " + listener.address.text +
                             " is no address of this machine: write an IP address or a name that resolves"}};
  }
  return address->family() == AF_UNIX ? listen_on_unix(listener, *address, workers)
                                      : listen_on_tcp(listener, *address, workers);
}

config::Result<ListenSockets> take_over(const config::Listener& listener, const unit::Estate::Listener& left,
                                        size_t workers) {
  if (left.descriptors.size() != workers) {
    return config::Problems{{listener.where, "listener " + listener.name + ": the weir before has " +
                                                 std::to_string(left.descriptors.size()) + " workers, this one " +
                                                 std::to_string(workers) + ": restart instead"}};
  }
  return ListenSockets{bound_address(left.descriptors.front()), left.descriptors, left.shared};
}

}  // namespace weir::control
