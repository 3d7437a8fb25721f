// The access log: workers gather lines, one thread writes them, and a slow or full disk costs lines
// (counted), never requests.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace weir::log {

/// The file and its writing thread. Any thread.
class AccessLog {
 public:
  AccessLog() = default;
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  /// Writes to this path from now on (`-` is stdout, empty is nowhere); what was handed over before
  /// still goes to the old one. False when it cannot be opened (errno): nothing changes.
  bool open(const std::string& path);
  /// Opens the same path again, after a rotation. False as above.
  bool reopen();
  bool enabled() const { return enabled_.load(std::memory_order_relaxed); }

  /// Takes whole lines over; false when too much waits already (they are dropped). `lines` is left
  /// empty, ready for reuse.
  bool hand_over(std::string& lines);
  /// Lines that could not be written, since the start.
  uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t kMaxWaiting = 16 * 1024 * 1024;  // bytes
  void write_lines();
  void write_all(std::string_view bytes);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::string> waiting_;
  std::vector<std::string> spare_;
  size_t waiting_bytes_ = 0;
  std::string path_;
  int fd_ = -1;
  int next_fd_ = -1;  // what to go over to after what waits now
  bool switch_ = false;
  bool stop_ = false;
  std::atomic<bool> enabled_{false};
  std::atomic<uint64_t> lost_{0};
  std::thread writer_;
};

/// One worker's lines, handed over when they are many and once a tick. Worker's thread.
class LineBuffer {
 public:
  explicit LineBuffer(AccessLog& log) : log_(log) {}
  bool enabled() const { return log_.enabled(); }
  /// Where the next line is appended; `added` afterwards.
  std::string& lines() { return lines_; }
  /// True when lines were dropped, `dropped` tells how many.
  void added();
  void flush();
  uint64_t take_dropped() { return std::exchange(dropped_, 0); }

 private:
  static constexpr size_t kEnough = 64 * 1024;
  AccessLog& log_;
  std::string lines_;
  uint64_t count_ = 0;
  uint64_t dropped_ = 0;
};

}  // namespace weir::log
