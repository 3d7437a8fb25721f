#include "proxy/cli/admin_line.h"

#include <fmt/format.h>
#include <netdb.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <utility>

#include "proxy/net/pem.h"
#include "proxy/net/tls_client.h"

namespace weir::cli {
namespace {

constexpr size_t kLongestReply = 64 * 1024 * 1024;

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

/// What TLS needs of files, as for an endpoint of a version.
std::variant<std::shared_ptr<const net::TlsClient>, NoReply> read_files(const AdminTls& tls) {
  config::VersionTls wish;
  wish.ca = tls.ca;
  if (!tls.known.empty()) wish.verify = config::Verify::none;  // looked at once hands are shaken
  if (!tls.certificate.empty()) {
    wish.certificate.emplace();
    wish.certificate->chain = tls.certificate;
    wish.certificate->key = tls.key.empty() ? tls.certificate : tls.key;
  }
  auto client = net::TlsClient::load(wish, net::Dates::must_hold, net::Sessions::forgotten);
  if (client) return *client;
  return NoReply{client.problems().front().what,
                 "--ca (WEIR_CA), --cert (WEIR_CERT) and --key (WEIR_KEY) name PEM files"};
}

/// Why the certificate is none of these files'; nothing: it is.
std::optional<std::string> not_known(const SSL* ssl, const std::vector<std::string>& files) {
  const X509* const shown = SSL_get0_peer_certificate(ssl);
  config::Problems unreadable;
  for (const std::string& path : files) {
    const auto chain = net::read_certificates(path, "chain", {}, unreadable);
    if (shown != nullptr && !chain.empty() && X509_cmp(shown, chain.front().get()) == 0) return std::nullopt;
  }
  return unreadable.empty()
             ? "it is not the one that the file names; weir serves what it could load last, and its log says what it "
               "could not: HUP has it try again"
             : unreadable.front().what;
}

NoReply not_believed(const Door& door, const std::string& why) {
  return {fmt::format("{} shows a certificate that does not hold: {}", door.address.text, why),
          "name who signed it with --ca or WEIR_CA, and the admin by a name in it with --admin or WEIR_ADMIN"};
}

}  // namespace

Socket::Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Socket::~Socket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::variant<Line, NoReply> Line::open(const Door& door, Clock::time_point end) {
  const bool is_unix = door.address.kind == config::Address::Kind::unix_path;
  auto connected = is_unix ? connect_unix(door.address, end) : connect_tcp(door.address, end);
  if (auto* failed = std::get_if<NoReply>(&connected)) return std::move(*failed);
  Line line(std::get<Socket>(std::move(connected)));
  if (door.tls) {
    if (auto failed = line.shake_hands(door, end)) return std::move(*failed);
  }
  return line;
}

namespace {

/// OpenSSL writes by write(2): to a peer that has gone that is an error, and not this program's end. Standard output
/// ends it as ever.
class PipeIgnored {
 public:
  PipeIgnored() : before_(std::signal(SIGPIPE, SIG_IGN)) {}
  ~PipeIgnored() { std::signal(SIGPIPE, before_); }
  PipeIgnored(const PipeIgnored&) = delete;
  PipeIgnored& operator=(const PipeIgnored&) = delete;

 private:
  void (*before_)(int);
};

}  // namespace

/// Why there is no TLS; nothing: there is.
std::optional<NoReply> Line::shake_hands(const Door& door, Clock::time_point end) {
  const PipeIgnored ignored;
  auto read = read_files(*door.tls);
  if (auto* failed = std::get_if<NoReply>(&read)) return std::move(*failed);
  ssl_ = std::get<0>(read)->session(door.address.host);
  if (!ssl_ || SSL_set_fd(ssl_.get(), socket_.descriptor()) != 1) {
    return NoReply{fmt::format("no TLS can be spoken to {}", door.address.text), "is the host's name right?"};
  }
  while (true) {
    ERR_clear_error();
    const int result = SSL_connect(ssl_.get());
    if (result == 1) break;
    if (outcome(result) < 0 && errno == EAGAIN && wait_for(socket_.descriptor(), waits_for_, end)) continue;
    const long verdict = SSL_get_verify_result(ssl_.get());
    if (verdict != X509_V_OK) return not_believed(door, X509_verify_cert_error_string(verdict));
    const std::string why = Clock::now() >= end ? "time is over" : refusal_.empty() ? "it closed" : refusal_;
    return NoReply{fmt::format("{} shakes no hands by TLS: {}", door.address.text, why),
                   "does its `admin:` have `tls:`? if not, name it without https://, --ca and --cert"};
  }
  if (door.tls->known.empty()) return std::nullopt;
  const auto why = not_known(ssl_.get(), door.tls->known);
  return why ? std::optional(not_believed(door, *why)) : std::nullopt;
}

/// Of a call of OpenSSL's as one of the kernel's: errno is EAGAIN where it would have waited.
ssize_t Line::outcome(int result) {
  const int kind = SSL_get_error(ssl_.get(), result);
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) {
    waits_for_ = kind == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
    errno = EAGAIN;
    return -1;
  }
  if (kind == SSL_ERROR_ZERO_RETURN) return 0;
  if (const auto error = ERR_peek_error(); ERR_GET_LIB(error) == ERR_LIB_SSL) {
    const char* const words = ERR_reason_error_string(error);
    refusal_ = words == nullptr ? "no TLS" : words;
  }
  errno = ECONNRESET;
  return -1;
}

ssize_t Line::send(std::string_view bytes) {
  if (!ssl_) {
    waits_for_ = POLLOUT;
    return ::send(socket_.descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  const PipeIgnored ignored;
  ERR_clear_error();
  size_t size = 0;
  const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &size);
  return result == 1 ? static_cast<ssize_t>(size) : outcome(result);
}

ssize_t Line::receive(char* into, size_t room) {
  if (!ssl_) {
    waits_for_ = POLLIN;
    return ::recv(socket_.descriptor(), into, room, 0);
  }
  const PipeIgnored ignored;
  ERR_clear_error();
  size_t size = 0;
  const int result = SSL_read_ex(ssl_.get(), into, room, &size);
  return result == 1 ? static_cast<ssize_t>(size) : outcome(result);
}

bool Line::send_all(std::string_view bytes, Clock::time_point end) {
  while (!bytes.empty()) {
    const ssize_t sent = send(bytes);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (sent == 0) {
      return false;
    } else if (errno == EAGAIN) {
      if (!wait_for(socket_.descriptor(), waits_for_, end)) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

Line::Read Line::receive_all(std::string& bytes, Clock::time_point end) {
  char piece[16 * 1024];
  while (bytes.size() < kLongestReply) {
    const ssize_t count = receive(piece, sizeof piece);
    if (count == 0) return Read::whole;
    if (count > 0) {
      bytes.append(piece, static_cast<size_t>(count));
    } else if (errno == EAGAIN) {
      if (!wait_for(socket_.descriptor(), waits_for_, end)) return Read::late;
    } else if (errno != EINTR) {
      return Read::broken;
    }
  }
  return Read::broken;
}

}  // namespace weir::cli
