#include "proxy/log/access_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace weir::log {

namespace {
int open_path(const std::string& path) {
  if (path == "-") return ::dup(STDOUT_FILENO);
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}
}  // namespace

AccessLog::~AccessLog() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (writer_.joinable()) writer_.join();
  if (fd_ >= 0) ::close(fd_);
}

bool AccessLog::open(const std::string& path) {
  int fd = -1;
  if (!path.empty()) {
    fd = open_path(path);
    if (fd < 0) return false;
  }
  const std::lock_guard lock(mutex_);
  if (switch_ && next_fd_ >= 0) ::close(next_fd_);
  next_fd_ = fd;
  switch_ = true;
  path_ = path;
  enabled_.store(fd >= 0, std::memory_order_relaxed);
  if (fd >= 0 && !writer_.joinable()) writer_ = std::thread([this] { write_lines(); });
  wake_.notify_one();
  return true;
}

bool AccessLog::reopen() {
  std::string path;
  {
    const std::lock_guard lock(mutex_);
    path = path_;
  }
  return path.empty() || open(path);
}

bool AccessLog::hand_over(std::string& lines) {
  bool taken = false;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_bytes_ + lines.size() <= kMaxWaiting) {
      waiting_bytes_ += lines.size();
      waiting_.push_back(std::move(lines));
      taken = true;
    }
    lines.clear();
    if (!spare_.empty()) {
      lines.swap(spare_.back());
      spare_.pop_back();
    }
  }
  if (taken) wake_.notify_one();
  return taken;
}

void AccessLog::write_lines() {
  std::vector<std::string> batch;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || switch_ || !waiting_.empty(); });
    batch.swap(waiting_);
    const bool change = std::exchange(switch_, false);
    const int next = change ? std::exchange(next_fd_, -1) : -1;
    const bool last = stop_;
    lock.unlock();
    // What was handed over before a rotation still belongs to the old file; before the first one
    // there is no old file.
    if (change && fd_ < 0) fd_ = ::dup(next);
    for (const std::string& lines : batch) write_all(lines);
    if (change) {
      if (fd_ >= 0) ::close(fd_);
      fd_ = next;
    }
    lock.lock();
    for (std::string& lines : batch) {
      waiting_bytes_ -= std::min(waiting_bytes_, lines.size());
      lines.clear();
      if (spare_.size() < 8) spare_.push_back(std::move(lines));
    }
    batch.clear();
    if (last && waiting_.empty()) return;
  }
}

void AccessLog::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = fd_ >= 0 ? ::write(fd_, bytes.data(), bytes.size()) : -1;
    if (written < 0 && fd_ >= 0 && errno == EINTR) continue;
    if (written < 0) {
      const auto lines = static_cast<uint64_t>(std::ranges::count(bytes, '\n'));
      lost_.fetch_add(lines, std::memory_order_relaxed);
      return;
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

void LineBuffer::added() {
  ++count_;
  if (lines_.size() >= kEnough) flush();
}

void LineBuffer::flush() {
  if (lines_.empty()) return;
  if (!log_.hand_over(lines_)) dropped_ += count_;
  count_ = 0;
}

}  // namespace weir::log
