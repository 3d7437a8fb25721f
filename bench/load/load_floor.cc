// The floor under every proxy: a relay of recv, send, recv, send that looks at nothing. One thread, plain epoll; each
// client's connection has one of its own to the origin, so there is nothing to choose either.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/options.h"
#include "bench/load/sockets.h"

namespace weir::load {
namespace {

constexpr char kUsage[] = "usage: load_floor --listen PORT --to PORT\n\nRelays bytes between 127.0.0.1's two ports.\n";

/// One direction's end: what comes in here goes out at `to`.
struct End {
  int fd;
  int to;
  std::string waiting;  // came from `to` and found no room here
};

class Floor {
 public:
  Floor(uint16_t listen, uint16_t to) : to_(to), listener_(listen_on(listen)) { watch(listener_, EPOLLIN); }
  [[noreturn]] void run();

 private:
  void watch(int fd, uint32_t events) {
    epoll_event event{events, {.fd = fd}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }
  void accept_all();
  void add(int fd, int to);
  void ready(int fd, uint32_t events);
  bool relay(End& from, bool to_its_end = false);
  bool flush(End& end);
  void drop(const End& end);

  uint16_t to_;
  int epoll_ = new_epoll();
  int listener_;
  std::vector<std::unique_ptr<End>> ends_;  // by descriptor
  std::vector<char> buffer_ = std::vector<char>(1 << 18);
};

void Floor::run() {
  epoll_event events[256];
  for (;;) {
    const int count = epoll_wait(epoll_, events, 256, -1);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd == listener_) {
        accept_all();
      } else {
        ready(events[i].data.fd, events[i].events);
      }
    }
  }
}

void Floor::accept_all() {
  for (int client = accept_from(listener_); client >= 0; client = accept_from(listener_)) {
    const int origin = connect_to(to_);
    if (origin < 0) {
      close(client);
      continue;
    }
    add(client, origin);
    add(origin, client);
  }
}

void Floor::add(int fd, int to) {
  if (ends_.size() <= static_cast<size_t>(fd)) ends_.resize(static_cast<size_t>(fd) + 1);
  ends_[static_cast<size_t>(fd)] = std::make_unique<End>(End{fd, to, {}});
  watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

/// Edge-triggered: each end is registered once. An end may be gone since the event was told.
void Floor::ready(int fd, uint32_t events) {
  const auto& end = ends_[static_cast<size_t>(fd)];
  if (!end) return;
  if ((events & EPOLLOUT) != 0 && !end->waiting.empty() && !flush(*end)) return;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) relay(*end, (events & EPOLLRDHUP) != 0);
}

/// Moves what there is; false when the connection is gone. A short read means drained, unless an end was told.
bool Floor::relay(End& from, bool to_its_end) {
  End& to = *ends_[static_cast<size_t>(from.to)];
  while (to.waiting.empty()) {
    const ssize_t got = recv(from.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (got <= 0) return drop(from), false;
    const ssize_t sent = send(to.fd, buffer_.data(), static_cast<size_t>(got), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return drop(from), false;
    if (sent < got) to.waiting.assign(buffer_.data() + std::max<ssize_t>(sent, 0), buffer_.data() + got);
    if (static_cast<size_t>(got) < buffer_.size() && !to_its_end) return true;
  }
  return true;
}

/// There is room again; false when the connection is gone.
bool Floor::flush(End& end) {
  const ssize_t sent = send(end.fd, end.waiting.data(), end.waiting.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN ? true : (drop(end), false);
  end.waiting.erase(0, static_cast<size_t>(sent));
  return !end.waiting.empty() || relay(*ends_[static_cast<size_t>(end.to)]);
}

void Floor::drop(const End& end) {
  const int one = end.fd, other = end.to;
  for (const int fd : {one, other}) {
    ends_[static_cast<size_t>(fd)].reset();
    close(fd);
  }
}

}  // namespace
}  // namespace weir::load

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  weir::load::Options options(argc, argv, weir::load::kUsage);
  const auto listen = static_cast<uint16_t>(options.number("--listen", 0));
  const auto to = static_cast<uint16_t>(options.number("--to", 0));
  options.finish();
  if (listen == 0 || to == 0) options.wrong("--listen and --to are needed");
  weir::load::Floor(listen, to).run();
}
