#include "proxy/demo/ports.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "config/config.h"
#include "proxy/net/address.h"

namespace weir::demo {
namespace {

class Socket {
 public:
  explicit Socket(int family) : descriptor_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  bool bind(const net::SocketAddress& address) {
    const int on = 1;
    setsockopt(descriptor_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return ::bind(descriptor_, address.get(), address.length) == 0 && ::listen(descriptor_, 1) == 0;
  }
  uint16_t port() const {
    net::SocketAddress address;
    address.length = sizeof address.storage;
    return getsockname(descriptor_, address.get(), &address.length) == 0 ? address.port() : 0;
  }

 private:
  int descriptor_;
};

}  // namespace

bool is_taken(const std::string& text) {
  const auto parsed = config::parse_address(text);
  if (!parsed || parsed->kind != config::Address::Kind::host_port) return false;
  const auto address = net::literal_address(*parsed);
  if (!address) return false;
  return !Socket(address->family()).bind(*address) && errno == EADDRINUSE;
}

std::vector<uint16_t> free_ports(size_t count) {
  std::vector<Socket> held;  // all at once, so that no port is given twice
  std::vector<uint16_t> ports;
  for (size_t i = 0; i < count; ++i) {
    Socket socket(AF_INET);
    if (!socket.bind(net::make_address(*config::parse_ip("127.0.0.1"), 0))) break;
    ports.push_back(socket.port());
    held.push_back(std::move(socket));
  }
  return ports;
}

}  // namespace weir::demo
