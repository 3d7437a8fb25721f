// Notices that the configuration file, or one that it names, has changed: written in place, replaced by a rename, or
// swapped behind a link, its own or one of a directory on its way, as Kubernetes does with a ConfigMap. Control thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace weir::control {

class Watcher {
 public:
  /// Calls `changed` when the bytes behind `path` may be others than before. Watches directories, since files and
  /// directories come and go: each that has an entry on the way to the file, links followed, for that entry.
  Watcher(boost::asio::io_context& io, std::string path, std::function<void()> changed);

  /// Further files whose change is one too, in place of those named before.
  void watch_too(std::vector<std::string> files);

  void stop();

 private:
  /// Whose way an entry of a directory is on.
  enum class Of : uint8_t { others, configuration };
  enum class Noticed : uint8_t { nothing, change_of_others, change, whole_change };

  struct Directory {
    std::map<std::string, Of> entries;
    bool has_files = false;  // or only directories that are on the way
  };

  static void add_places(const std::string& path, Of of, std::map<std::string, Directory>& directories);
  void watch(const std::string& path, Directory directory);
  void watch_directories();
  void wait();
  Noticed take_events();
  void load_after(std::chrono::milliseconds settling);
  void load();

  std::string path_;
  std::function<void()> changed_;
  boost::asio::posix::stream_descriptor inotify_;
  boost::asio::steady_timer settle_;
  std::vector<std::string> others_;
  std::map<int, std::map<std::string, Of>> entries_;    // by watch descriptor
  std::vector<std::string> unwatched_;                  // told already
  std::chrono::steady_clock::time_point due_ = kNever;  // when what was noticed is loaded

  static constexpr auto kNever = std::chrono::steady_clock::time_point::max();
};

}  // namespace weir::control
