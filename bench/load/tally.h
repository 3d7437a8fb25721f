// What a run of the generator saw.
#pragma once

#include <sys/types.h>
#include <time.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace weir::load {

using Nanos = std::chrono::nanoseconds;

/// The monotonic clock.
Nanos now();

/// Processor time of processes, by each one's process clock (all its threads, user and system).
class ProcessorTime {
 public:
  /// Ends the program if a process is not there.
  explicit ProcessorTime(const std::vector<pid_t>& processes);
  Nanos spent() const;

 private:
  std::vector<clockid_t> clocks_;
};

/// Counts everything; requests/s, latencies and processor time are those of the window that is measured.
class Tally {
 public:
  explicit Tally(ProcessorTime processors) : processors_(std::move(processors)) { latencies_.reserve(1 << 20); }

  void begin_window();
  void end_window();
  bool in_window() const { return open_; }
  /// A response that was right; `began` is when its request was sent, or was meant to be.
  void response(Nanos began, char version);
  /// A 503 that says when to come again.
  void refused(Nanos began);
  void error(const std::string& what);
  void unsent(size_t requests) { unsent_ += requests; }
  uint64_t errors() const { return errors_; }

  /// One JSON object and a line's end, on standard output; `more` are members of its own, each with a comma behind it.
  void print(const std::string& more = {});

 private:
  ProcessorTime processors_;
  Nanos window_began_{}, window_{}, processor_began_{}, processor_{};
  bool open_ = false;
  uint64_t responses_ = 0, of_new_ = 0, errors_ = 0, unsent_ = 0;
  std::vector<uint32_t> latencies_, refusals_;  // of the window, in units of 100 ns
  std::string first_error_;
};

}  // namespace weir::load
