#include "proxy/admin/listen.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace weir::admin {
namespace {

constexpr int kBacklog = 128;
constexpr mode_t kUnixMode = 0660;

/// Closes the descriptor unless it is released.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

Descriptor open_socket(int family) { return Descriptor(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }

/// What is wrong with this address, or the socket.
struct Attempt {
  std::string wrong;
  Listening listening;
};

Attempt failed(const std::string& what) { return {what + ": " + std::strerror(errno), {}}; }

std::vector<net::SocketAddress> resolve(const config::Address& address, std::string& wrong) {
  if (const auto literal = net::literal_address(address)) return {*literal};
  if (address.kind == config::Address::Kind::unix_path) {
    wrong = "the path is too long for a unix socket";
    return {};
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int code = getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &list);
  if (code != 0) {
    wrong = gai_strerror(code);
    return {};
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, freeaddrinfo);
  std::vector<net::SocketAddress> all;
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    auto& one = all.emplace_back();
    std::memcpy(&one.storage, at->ai_addr, at->ai_addrlen);
    one.length = at->ai_addrlen;
  }
  return all;
}

enum class Occupant { nobody, stale, alive, other };

/// Who holds the path of a unix socket: a socket that nobody answers on is stale.
Occupant occupant(const std::string& path, const net::SocketAddress& address) {
  struct stat file {};
  if (lstat(path.c_str(), &file) != 0) return Occupant::nobody;
  if (!S_ISSOCK(file.st_mode)) return Occupant::other;
  const Descriptor caller = open_socket(AF_UNIX);
  if (connect(caller.get(), address.get(), address.length) != 0 && errno == ECONNREFUSED) return Occupant::stale;
  return Occupant::alive;
}

/// Empty when the path is free for binding.
std::string make_room(const std::string& path, const net::SocketAddress& address) {
  switch (occupant(path, address)) {
    case Occupant::alive:
      return "somebody listens there already";
    case Occupant::other:
      return "there is a file that is not a socket";
    case Occupant::stale:
      if (unlink(path.c_str()) != 0 && errno != ENOENT)
        return std::string("cannot be removed: ") + std::strerror(errno);
      break;
    case Occupant::nobody:
      break;
  }
  return "";
}

Attempt listen_unix(const std::string& path, const net::SocketAddress& address) {
  if (auto wrong = make_room(path, address); !wrong.empty()) return {std::move(wrong), {}};
  Descriptor descriptor = open_socket(AF_UNIX);
  if (descriptor.get() < 0) return failed("socket");
  if (bind(descriptor.get(), address.get(), address.length) != 0) return failed("bind");
  struct stat file {};
  // Nobody can connect before listen, so nobody slips in under the first mode.
  if (chmod(path.c_str(), kUnixMode) != 0 || lstat(path.c_str(), &file) != 0) return failed("chmod");
  if (listen(descriptor.get(), kBacklog) != 0) return failed("listen");
  return {"", {descriptor.release(), address, path, file.st_dev, file.st_ino}};
}

Attempt listen_tcp(const net::SocketAddress& address) {
  Descriptor descriptor = open_socket(address.family());
  if (descriptor.get() < 0) return failed("socket");
  const int on = 1;
  setsockopt(descriptor.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.family() == AF_INET6) setsockopt(descriptor.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (bind(descriptor.get(), address.get(), address.length) != 0) return failed("bind");
  if (listen(descriptor.get(), kBacklog) != 0) return failed("listen");
  Listening listening;
  listening.address.length = sizeof listening.address.storage;
  if (getsockname(descriptor.get(), listening.address.get(), &listening.address.length) != 0) return failed("name");
  listening.descriptor = descriptor.release();
  return {"", std::move(listening)};
}

}  // namespace

config::Result<Listening> listen_on(const config::Admin& admin) {
  std::string wrong;
  for (const auto& address : resolve(admin.address, wrong)) {
    const bool is_unix = address.family() == AF_UNIX;
    Attempt attempt = is_unix ? listen_unix(admin.address.path, address) : listen_tcp(address);
    if (attempt.wrong.empty()) return std::move(attempt.listening);
    wrong = std::move(attempt.wrong);
  }
  return config::Problems{{admin.where, "admin.address " + admin.address.text + " cannot be listened on: " + wrong}};
}

config::Result<Listening> taken_over(const config::Admin& admin, int descriptor) {
  Listening listening;
  listening.descriptor = descriptor;
  listening.address.length = sizeof listening.address.storage;
  if (getsockname(descriptor, listening.address.get(), &listening.address.length) != 0) {
    return config::Problems{{admin.where, std::string("admin.address: what was handed over: ") + std::strerror(errno)}};
  }
  struct stat file {};
  if (listening.address.family() == AF_UNIX && lstat(admin.address.path.c_str(), &file) == 0) {
    listening.path = admin.address.path;
    listening.device = file.st_dev;
    listening.inode = file.st_ino;
  }
  return listening;
}

void remove_file(const Listening& listening) {
  if (listening.path.empty()) return;
  struct stat file {};
  if (lstat(listening.path.c_str(), &file) != 0) return;
  if (file.st_dev == listening.device && file.st_ino == listening.inode) unlink(listening.path.c_str());
}

}  // namespace weir::admin
