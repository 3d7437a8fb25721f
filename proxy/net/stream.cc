#include "proxy/net/stream.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace weir::net {

void Stream::adopt(int fd) {
  fd_ = fd;
  readable_ = writable_ = true;
  loop_.newcomers().add(*this);
}

bool Stream::watch() {
  loop_.newcomers().remove(*this);
  return loop_.add(fd_, *this);
}

void Stream::cut_off() {
  ::shutdown(fd_, SHUT_RDWR);
  readable_ = writable_ = end_ahead_ = broken_ = true;
  if (waiter_) waiter_->wake();
}

Io Stream::again() {
  if (place_ != Newcomers::kNone && !watch()) return {0, IoState::error, errno};
  return {0, IoState::again};
}

bool Stream::connect(const SocketAddress& address) {
  fd_ = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return false;
  if (address.family() != AF_UNIX) {
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  const bool begun = ::connect(fd_, address.get(), address.length) == 0 || errno == EINPROGRESS;
  if (begun && loop_.add(fd_, *this)) return true;
  const int error = errno;
  close();
  errno = error;
  return false;
}

Io Stream::connected() {
  if (!writable_) return {0, IoState::again};
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) return {0, IoState::error, error};
  if (tls_) return tls_->shake_hands();
  return {};
}

void Stream::on_events(uint32_t events) {
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readable_ = true;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) writable_ = true;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) end_ahead_ = true;
  if (events & (EPOLLHUP | EPOLLERR)) broken_ = true;
  if (events & EPOLLERR) reset_ = true;
  if (finishing_) [[unlikely]]
    shutdown_write();
  if (waiter_) waiter_->wake();
}

void Stream::serve_tls(std::shared_ptr<const TlsServer> server, std::string_view first) {
  tls_ = std::make_unique<Tls>(*this, std::move(server), first);
}

void Stream::ask_tls(std::shared_ptr<const TlsClient> client, const std::string& host, TlsMemory& memory) {
  tls_ = std::make_unique<Tls>(*this, std::move(client), host, memory);
}

Io Stream::read(std::span<char> into) {
  if (tls_) [[unlikely]]
    return tls_->read(into);
  return receive(into);
}

Io Stream::receive(std::span<char> into) {
  if (!readable_) return again();
  ssize_t got;
  do {
    got = ::recv(fd_, into.data(), into.size(), 0);
  } while (got < 0 && errno == EINTR);
  return read_result(got, into.size());
}

bool Stream::look() { return fd_ >= 0 && look_again(); }

bool Stream::look_again() {
  if (tls_) [[unlikely]] {
    readable_ = true;  // as far as is known; the kernel is asked where it matters
    return tls_->look();
  }
  char byte;
  const ssize_t got = ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  readable_ = got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
  return readable_;
}

Io Stream::read_result(ssize_t got, size_t wanted) {
  if (got > 0) {
    // A short read has drained the socket, unless an end stands behind it, which gives no new edge.
    if (static_cast<size_t>(got) < wanted && !end_ahead_) readable_ = false;
    return {static_cast<size_t>(got), IoState::ok};
  }
  if (got == 0) return reset_ ? Io{0, IoState::error, ECONNRESET} : Io{0, IoState::end};
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    readable_ = false;
    return again();
  }
  return {0, IoState::error, errno};
}

Io Stream::write(std::string_view bytes) {
  if (tls_) [[unlikely]]
    return tls_->write(bytes);
  return transmit(bytes);
}

Io Stream::transmit(std::string_view bytes) {
  if (!writable_) return again();
  ssize_t sent;
  do {
    sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return write_result(sent, bytes.size());
}

Io Stream::write_kept(std::string_view bytes) {
  if (kept_ == Kept::sent) {
    kept_ = Kept::nothing;
    if (outcome_ > 0) return {static_cast<size_t>(outcome_), IoState::ok};
    return outcome_ == 0 ? Io{0, IoState::again} : Io{0, IoState::error, -outcome_};
  }
  if (kept_ == Kept::in_batch) {
    if (!tls_) loop_.sends().replace(*this, bytes);  // records are sealed: what has grown comes after them
    return {0, IoState::again};
  }
  if (!loop_.sends().open()) return write(bytes);
  if (!writable_) return again();
  if (tls_) {
    const std::string_view sealed = tls_->seal(bytes);
    if (sealed.empty()) return tls_->write(bytes);
    bytes = sealed;
  }
  loop_.sends().add(*this, bytes);
  kept_ = Kept::in_batch;
  return {0, IoState::again};
}

void Stream::sent(int outcome, size_t wanted) {
  if (outcome < 0) errno = -outcome;
  const Io io = write_result(outcome, wanted);
  if (tls_) {
    kept_ = Kept::nothing;
    tls_->left(io);
  } else {
    outcome_ = io.state == IoState::error ? -io.error : static_cast<int32_t>(io.size);
    kept_ = Kept::sent;
  }
  if (waiter_) waiter_->wake();
}

void Stream::acknowledge() {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

void Stream::leave_batch() {
  if (kept_ != Kept::in_batch) return;
  loop_.sends().forget(*this);
  kept_ = Kept::nothing;
  if (waiter_) waiter_->wake();
}

void Stream::send_now(std::string_view bytes) {
  const ssize_t outcome = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  sent(outcome < 0 ? -errno : static_cast<int>(outcome), bytes.size());
}

Io Stream::write(std::span<iovec> pieces) {
  if (tls_) [[unlikely]]
    return write_joined(pieces);
  if (!writable_) return again();
  size_t wanted = 0;
  for (const iovec& piece : pieces) wanted += piece.iov_len;
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  ssize_t sent;
  do {
    sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return write_result(sent, wanted);
}

/// Records are made of one run of bytes: pieces become one, so that small ones do not leave in a record each. Less
/// than all of it is written only where the kernel takes no more: whoever waits then is woken.
Io Stream::write_joined(std::span<const iovec> pieces) {
  const auto view = [](const iovec& piece) {
    return std::string_view(static_cast<const char*>(piece.iov_base), piece.iov_len);
  };
  while (!pieces.empty() && pieces.front().iov_len == 0) pieces = pieces.subspan(1);
  if (pieces.size() == 1) return tls_->write(view(pieces.front()));
  thread_local std::string joined;
  joined.clear();
  for (const iovec& piece : pieces) joined += view(piece);
  return tls_->write(joined);
}

Io Stream::write_result(ssize_t sent, size_t wanted) {
  if (sent >= 0) {
    if (static_cast<size_t>(sent) < wanted) writable_ = false;
    return {static_cast<size_t>(sent), IoState::ok};
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    writable_ = false;
    return again();
  }
  reset_ = true;
  return {0, IoState::error, errno};
}

Io Stream::splice_into(Pipe& pipe, size_t size) {
  if (!readable_) return again();
  ssize_t moved;
  do {
    moved = ::splice(fd_, nullptr, pipe.write_end_, nullptr, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  } while (moved < 0 && errno == EINTR);
  if (moved > 0) {
    pipe.held_ += static_cast<size_t>(moved);
    return {static_cast<size_t>(moved), IoState::ok};
  }
  if (moved == 0) return reset_ ? Io{0, IoState::error, ECONNRESET} : Io{0, IoState::end};
  if (errno != EAGAIN) return {0, IoState::error, errno};
  // An empty pipe has room: it is the socket that has nothing. A pipe may also be full of small pieces.
  if (pipe.held() == 0) readable_ = false;
  return again();
}

Io Stream::splice_from(Pipe& pipe) {
  if (!writable_) return again();
  // Not SPLICE_F_MORE: an endpoint that pauses would leave its last bytes here.
  const unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
  ssize_t moved;
  do {
    moved = ::splice(pipe.read_end_, nullptr, fd_, nullptr, pipe.held(), flags);
  } while (moved < 0 && errno == EINTR);
  if (moved < 0 && errno != EAGAIN) return {0, IoState::error, errno};
  if (moved <= 0) {
    writable_ = false;
    return again();
  }
  pipe.held_ -= static_cast<size_t>(moved);
  return {static_cast<size_t>(moved), IoState::ok};
}

void Stream::shutdown_write() {
  if (fd_ < 0) return;
  if (tls_) {
    tls_->say_goodbye();
    finishing_ = !tls_->send_sealed() && !broken_;
    if (finishing_) return;
  }
  ::shutdown(fd_, SHUT_WR);
}

void Stream::close() {
  if (tls_) [[unlikely]] {
    tls_->say_goodbye();
    tls_.reset();
  }
  if (kept_ == Kept::in_batch) loop_.sends().forget(*this);
  kept_ = Kept::nothing;
  if (place_ != Newcomers::kNone) loop_.newcomers().remove(*this);
  if (fd_ >= 0) ::close(fd_);  // leaves the loop by itself
  fd_ = -1;
  readable_ = writable_ = end_ahead_ = broken_ = reset_ = finishing_ = false;
}

void Stream::abort() {
  if (fd_ < 0) return;
  const linger hard{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  tls_.reset();  // without a goodbye
  close();
}

}  // namespace weir::net
