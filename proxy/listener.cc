#include "proxy/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "proxy/session.h"

namespace weir::proxy {

namespace {
constexpr int64_t kUnevenness = 4;  // connections that a worker may hold above another one
}

Listener::Listener(Worker& worker, Doorstep& doorstep, std::shared_ptr<const ListenerSite> site, ListenSocket socket)
    : worker_(worker), doorstep_(doorstep), entrance_(worker, doorstep, std::move(site)), socket_(socket) {
  const int on = 1;  // accepted sockets have it from here; a unix socket refuses it, and needs none
  setsockopt(socket_.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  worker_.loop().add_listening(socket_.fd, *this, socket_.shared);
}

Listener::~Listener() {
  Session::end_all(entrance_);
  if (closed()) return;
  worker_.loop().remove(socket_.fd);  // another worker's descriptor may keep the socket, and its events, alive
  ::close(socket_.fd);
}

void Listener::on_events(uint32_t) {
  // Of a shared socket one a wake, so that the other workers get theirs.
  const int most = socket_.shared ? 1 : kAcceptsATurn;
  for (int i = 0; i < most && accept_one(); ++i) {
  }
}

bool Listener::accept_one() {
  net::SocketAddress from;
  from.length = sizeof from.storage;
  const int fd = ::accept4(socket_.fd, from.get(), &from.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) pause();
    return errno == EINTR || errno == ECONNABORTED;
  }
  const auto peer = net::ip_of(from);
  const auto other = socket_.shared && !closing_ ? less_busy_worker() : std::nullopt;
  if (other) {
    const auto& numbers = entrance_.site()->numbers;
    numbers->shard(*other).arriving.fetch_add(1, std::memory_order_relaxed);
    doorstep_.hand_over(*other, {entrance_.site()->id, fd, peer, numbers});
  } else {
    adopt(fd, peer);
  }
  return true;
}

void Listener::adopt(int fd, std::optional<config::IpAddress> peer) {
  if (entrance_.full()) {
    entrance_.count_rejected(RejectReason::limit);  // before the client can know of it
    ::close(fd);
    return;
  }
  Session::start(entrance_, fd, peer);
}

/// A worker that holds clearly fewer connections of this listener than this one.
std::optional<size_t> Listener::less_busy_worker() const {
  const auto shards = entrance_.site()->numbers->shards();
  const auto held = [&](size_t worker) {
    return shards[worker].connections.value() + shards[worker].arriving.load(std::memory_order_relaxed);
  };
  size_t least = worker_.index();
  for (size_t i = 0; i < shards.size(); ++i) {
    if (held(i) < held(least)) least = i;
  }
  return held(worker_.index()) - held(least) > kUnevenness ? std::optional(least) : std::nullopt;
}

/// No descriptors: listening on would turn the loop without end.
void Listener::pause() {
  entrance_.count_rejected(RejectReason::descriptors);
  worker_.loop().remove(socket_.fd);
  paused_ = true;
}

void Listener::tick() {
  if (!paused_ || closed()) return;
  paused_ = false;
  worker_.loop().add_listening(socket_.fd, *this, socket_.shared);
}

void Listener::stop_accepting() {
  if (closed()) return;
  // A queued connection is reset when its (last) socket closes.
  closing_ = true;
  while (accept_one()) {
  }
  worker_.loop().remove(socket_.fd);
  ::close(socket_.fd);
  socket_.fd = -1;
}

void Listener::close() {
  stop_accepting();
  if (entrance_.closed()) return;
  entrance_.close();
  wake_sessions();
}

void Listener::end_idle() {
  entrance_.end_idle();
  wake_sessions();
}

void Listener::update(std::shared_ptr<const ListenerSite> site) {
  const auto before = entrance_.site()->tls, now = site->tls;
  entrance_.update(std::move(site));
  const bool matters = before && now ? before != now && now->takes_away_from(*before) : before != now;
  if (matters) wake_sessions();
}

void Listener::wake_sessions() { Session::wake_all(entrance_); }

}  // namespace weir::proxy
