// Notices that the configuration file, or one that it names, has changed: written in place, replaced by a rename, or
// swapped behind a link as Kubernetes does with a ConfigMap. Control thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>
#include <vector>

namespace weir::control {

class Watcher {
 public:
  /// Calls `changed` when the bytes behind `path` may be others than before. Watches directories
  /// (of the path, and of every link on its way), since files come and go.
  Watcher(boost::asio::io_context& io, std::string path, std::function<void()> changed);

  /// Further files whose change is one too, in place of those named before.
  void watch_too(std::vector<std::string> files);

  void stop();

 private:
  void watch(const std::string& path);
  void watch_directories();
  void wait();
  void noticed();
  void load();

  std::string path_;
  std::function<void()> changed_;
  boost::asio::posix::stream_descriptor inotify_;
  boost::asio::steady_timer settle_;
  std::vector<std::string> others_;
  std::vector<std::string> directories_;
  bool settling_ = false;
};

}  // namespace weir::control
