#include "proxy/control/watcher.h"

#include <spdlog/spdlog.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>

namespace weir::control {

namespace fs = std::filesystem;

namespace {

// A writer that closes, a rename, a link that is made: not each write, of which a file may need many. Of a directory
// further up only what may put another one in its place.
constexpr uint32_t kOfFiles = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ATTRIB | IN_ONLYDIR;
constexpr uint32_t kOfDirectories = IN_MOVED_TO | IN_CREATE | IN_ONLYDIR;
// A save in place is several events, and a certificate and its key are two files. A rename of the configuration is one,
// and what it brings is whole: it is not waited for.
constexpr std::chrono::milliseconds kSettle{15}, kSettleOthers{100};
constexpr int kMostLinks = 16;

struct Place {
  fs::path directory;
  std::string entry;
  bool is_last;  // it is the file, or a link in its place
};

/// The entries of directories that decide which file `path` is, links followed; `links` bounds them.
void walk(const fs::path& path, bool is_last, int& links, std::vector<Place>& found) {
  std::error_code error;
  fs::path at = "/";
  const fs::path way = path.relative_path();
  for (auto part = way.begin(); part != way.end(); ++part) {
    if (*part == "." || part->empty()) continue;
    if (*part == "..") {
      at = at.parent_path();
      continue;
    }
    const bool ends = std::next(part) == way.end();
    found.push_back({at, part->string(), is_last && ends});
    const fs::path next = at / *part;
    if (!fs::is_symlink(fs::symlink_status(next, error)) || links-- <= 0) {
      at = next;
      continue;
    }
    const fs::path target = fs::read_symlink(next, error);
    fs::path rest = target.is_absolute() ? target : at / target;
    for (auto left = std::next(part); left != way.end(); ++left) rest /= *left;
    return walk(rest, is_last, links, found);
  }
}

std::vector<Place> places_of(const std::string& path) {
  std::error_code error;
  std::vector<Place> found;
  int links = kMostLinks;
  walk(fs::absolute(path, error), true, links, found);
  return found;
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

/// What is no longer on the way is watched no more.
void Watcher::watch_directories() {
  std::map<std::string, Directory> directories;
  add_places(path_, Of::configuration, directories);
  for (const std::string& path : others_) add_places(path, Of::others, directories);
  const auto before = std::exchange(entries_, {});
  for (auto& [path, directory] : directories) watch(path, std::move(directory));
  for (const auto& [watch, entries] : before) {
    if (!entries_.contains(watch)) inotify_rm_watch(inotify_.native_handle(), watch);
  }
}

void Watcher::add_places(const std::string& path, Of of, std::map<std::string, Directory>& directories) {
  for (const Place& place : places_of(path)) {
    Directory& directory = directories[place.directory.string()];
    directory.has_files = directory.has_files || place.is_last;
    Of& known = directory.entries.emplace(place.entry, of).first->second;
    known = std::max(known, of);
  }
}

/// Watching again what is watched gives the same descriptor; a directory that was replaced is a new one.
void Watcher::watch(const std::string& path, Directory directory) {
  const uint32_t events = directory.has_files ? kOfFiles : kOfDirectories;
  const int watch = inotify_add_watch(inotify_.native_handle(), path.c_str(), events);
  if (watch >= 0) {
    entries_[watch].merge(directory.entries);
  } else if (directory.has_files && std::ranges::find(unwatched_, path) == unwatched_.end()) {
    unwatched_.push_back(path);
    spdlog::warn("{} is not watched ({}): send HUP after a change", path, std::strerror(errno));
  }
}

void Watcher::wait() {
  inotify_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (error) return;
    switch (take_events()) {
      case Noticed::whole_change:
        settle_.cancel();
        load();
        break;
      case Noticed::change:
        load_after(kSettle);
        break;
      case Noticed::change_of_others:
        load_after(kSettleOthers);
        break;
      case Noticed::nothing:
        break;
    }
    wait();
  });
}

/// Takes every event that waits.
Watcher::Noticed Watcher::take_events() {
  Noticed found = Noticed::nothing;
  alignas(inotify_event) std::array<char, 16 * 1024> events;
  for (ssize_t size = 0; (size = ::read(inotify_.native_handle(), events.data(), events.size())) > 0;) {
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(events.data() + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if (event->mask & IN_Q_OVERFLOW) found = std::max(found, Noticed::change);
      const auto watched = entries_.find(event->wd);
      if (watched == entries_.end() || event->len == 0) continue;
      const auto entry = watched->second.find(event->name);
      if (entry == watched->second.end()) continue;
      const Noticed what = entry->second == Of::others   ? Noticed::change_of_others
                           : (event->mask & IN_MOVED_TO) ? Noticed::whole_change
                                                         : Noticed::change;
      found = std::max(found, what);
    }
  }
  return found;
}

void Watcher::load_after(std::chrono::milliseconds settling) {
  const auto due = std::chrono::steady_clock::now() + settling;
  if (due >= due_) return;
  due_ = due;
  settle_.expires_at(due);
  settle_.async_wait([this](const boost::system::error_code& error) {
    if (!error) load();
  });
}

void Watcher::load() {
  due_ = kNever;
  watch_directories();
  changed_();
}

void Watcher::stop() {
  boost::system::error_code ignored;
  inotify_.close(ignored);
  settle_.cancel();
}

}  // namespace weir::control
