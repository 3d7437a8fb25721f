#include "proxy/net/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace weir::net {

namespace {
constexpr int kEventsATurn = 256;
constexpr int kBusyTurn = 4;  // events; with fewer a send leaves at once: it would wait for the others and save little

Millis millis_now() { return std::chrono::duration_cast<Millis>(monotonic()); }
}  // namespace

void Waiter::wake() {
  if (alone()) join_before(loop_.woken_);
}

void Waiter::run() {
  if (!handle_) {
    pending_ = true;
    return;
  }
  std::exchange(handle_, nullptr).resume();  // may destroy *this
}

Loop::Loop() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  mailbox_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (epoll_ < 0 || mailbox_fd_ < 0 || !add(mailbox_fd_, mailbox_)) {
    throw std::system_error(errno, std::generic_category(), "event loop");
  }
  now_ = millis_now();
  next_tick_ = now_ + kTick;
  wheel_.advance(now_);
}

Loop::~Loop() {
  close(mailbox_fd_);
  close(epoll_);
}

bool Loop::add(int fd, Source& source) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &source;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool Loop::add_listening(int fd, Source& source, bool exclusive) {
  epoll_event event{};
  event.events = exclusive ? EPOLLIN | EPOLLEXCLUSIVE : static_cast<uint32_t>(EPOLLIN);
  event.data.ptr = &source;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Loop::remove(int fd) { epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr); }

void Loop::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mail_mutex_);
    mail_tasks_.push_back(std::move(task));
  }
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = write(mailbox_fd_, &one, sizeof one);
}

void Loop::run() {
  running_ = true;
  if (!sends_.open()) sends_.start();
  while (running_) {
    const bool busy = fetch_events() >= kBusyTurn;
    if (mail_) read_mail();
    const bool sent = run_woken(busy);
    if (submit() || sent) run_woken(busy);
    if (now_ >= next_tick_) {
      next_tick_ = now_ + kTick;
      newcomers_.watch_all();
      wheel_.advance(now_);
      if (tick_) tick_();
    }
  }
}

int Loop::fetch_events() {
  std::array<epoll_event, kEventsATurn> events;
  const auto patience = !woken_.alone() || !sends_.empty() ? Millis{0} : std::max(Millis{0}, next_tick_ - now_);
  const int count = epoll_wait(epoll_, events.data(), kEventsATurn, static_cast<int>(patience.count()));
  now_ = millis_now();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    static_cast<Source*>(event.data.ptr)->on_events(event.events);
  }
  return count;
}

void Loop::read_mail() {
  mail_ = false;
  uint64_t ignored;
  [[maybe_unused]] const auto got = read(mailbox_fd_, &ignored, sizeof ignored);
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mail_mutex_);
    tasks.swap(mail_tasks_);
  }
  for (auto& task : tasks) task();
}

bool Loop::run_woken(bool busy) {
  // Taken off first: what is woken from here on waits for the next turn, so that nobody keeps the
  // others from their events.
  if (woken_.alone()) return false;
  Link turn;
  turn.join_before(woken_);
  woken_.leave();
  bool sent = false;
  while (!turn.alone()) {
    Waiter& waiter = static_cast<Waiter&>(*turn.next);
    waiter.leave();
    waiter.run();
    if (!busy || sends_.full()) sent |= submit();
  }
  return sent;
}

bool Loop::submit() {
  if (sends_.empty()) return false;
  sends_.submit();
  return true;
}

}  // namespace weir::net
