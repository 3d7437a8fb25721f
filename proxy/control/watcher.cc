#include "proxy/control/watcher.h"

#include <spdlog/spdlog.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace weir::control {

namespace fs = std::filesystem;

namespace {

// A writer that closes, a rename, a link that is made: not each write, of which a file may need many.
constexpr uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ATTRIB | IN_ONLYDIR;
// A save in place is several events. A rename is one, and what it brings is whole: it is not waited for.
constexpr std::chrono::milliseconds kSettle{15};
constexpr int kMostLinks = 16;

/// The directories whose entries decide which file `path` is: its own, and those its links lead to.
std::vector<std::string> directories_of(fs::path path) {
  std::vector<std::string> found;
  std::error_code error;
  path = fs::absolute(path, error);
  for (int i = 0; i < kMostLinks; ++i) {
    const fs::path directory = path.parent_path();
    found.push_back(directory.string());
    const fs::path real = fs::canonical(directory, error);  // itself reached through links
    if (!error) found.push_back(real.string());
    if (!fs::is_symlink(fs::symlink_status(path, error))) break;
    fs::path target = fs::read_symlink(path, error);
    path = target.is_absolute() ? target : directory / target;
  }
  std::ranges::sort(found);
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

/// Takes every event that waits; was one of them a rename?
bool take_events(int inotify) {
  bool renamed = false;
  alignas(inotify_event) std::array<char, 16 * 1024> events;
  for (ssize_t size = 0; (size = ::read(inotify, events.data(), events.size())) > 0;) {
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(events.data() + at);
      renamed |= (event->mask & IN_MOVED_TO) != 0;
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    }
  }
  return renamed;
}

}  // namespace

Watcher::Watcher(boost::asio::io_context& io, std::string path, std::function<void()> changed)
    : path_(std::move(path)), changed_(std::move(changed)), inotify_(io), settle_(io) {
  const int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) {
    spdlog::warn("{} is not watched ({}): send HUP after a change", path_, std::strerror(errno));
    return;
  }
  inotify_.assign(fd);
  watch_directories();
  wait();
}

void Watcher::watch_too(std::vector<std::string> files) {
  others_ = std::move(files);
  if (inotify_.is_open()) watch_directories();
}

void Watcher::watch_directories() {
  watch(path_);
  for (const std::string& path : others_) watch(path);
}

void Watcher::watch(const std::string& path) {
  for (const std::string& directory : directories_of(path)) {
    // Watching again what is watched changes nothing; a directory that was replaced is a new one.
    const bool ok = inotify_add_watch(inotify_.native_handle(), directory.c_str(), kEvents) >= 0;
    const bool known = std::ranges::find(directories_, directory) != directories_.end();
    if (!known) directories_.push_back(directory);
    if (!ok && !known) spdlog::warn("{} is not watched ({}): send HUP after a change", directory, std::strerror(errno));
  }
}

void Watcher::wait() {
  inotify_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (error) return;
    if (take_events(inotify_.native_handle())) {
      settle_.cancel();
      load();
    } else {
      noticed();
    }
    wait();
  });
}

void Watcher::noticed() {
  if (std::exchange(settling_, true)) return;
  settle_.expires_after(kSettle);
  settle_.async_wait([this](const boost::system::error_code& error) {
    if (!error) load();
  });
}

void Watcher::load() {
  settling_ = false;
  watch_directories();
  changed_();
}

void Watcher::stop() {
  boost::system::error_code ignored;
  inotify_.close(ignored);
  settle_.cancel();
}

}  // namespace weir::control
