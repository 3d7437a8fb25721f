// weir's log lines while a table is redrawn: handed over, so that they can be printed above it.
#pragma once

#include <functional>
#include <memory>
#include <string>

namespace weir::demo {

/// Takes the place of what the default logger writes to. Lines may be logged on any thread.
class LogLines {
 public:
  /// `line` ends in a newline; called on the thread that logs. Construct before other threads log.
  explicit LogLines(std::function<void(std::string line)> deliver);
  /// From now on lines go to standard error.
  void let_go();

 private:
  class Sink;
  std::shared_ptr<Sink> sink_;
};

}  // namespace weir::demo
