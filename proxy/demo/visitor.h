// Those who visit the demo's shop: real requests over real sockets.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "config/config.h"

namespace weir::demo {

/// What a visitor was told.
struct Answer {
  unsigned status = 0;
  std::string version;  // of X-Shop-Version; empty if weir itself answered
};

/// A client with one kept connection and plain blocking sockets. One thread.
class Visitor {
 public:
  /// `edge`: where weir listens; an unspecified address (0.0.0.0, [::]) is reached on loopback.
  explicit Visitor(config::Address edge);
  ~Visitor();
  Visitor(const Visitor&) = delete;
  Visitor& operator=(const Visitor&) = delete;

  /// GET / with these header lines (each ending in CRLF). Nothing if no answer came within 5 s.
  std::optional<Answer> ask(std::string_view header_lines);

 private:
  bool connect();
  void close();
  bool send(std::string_view bytes) const;
  /// Nothing if the connection ends first.
  std::optional<Answer> read_answer();
  std::optional<Answer> try_once(std::string_view request);

  config::Address edge_;
  int socket_ = -1;
};

/// Many users, at a steady pace, on threads of its own until destroyed.
class Crowd {
 public:
  /// `per_second`: requests; 0: nobody comes.
  Crowd(config::Address edge, unsigned per_second);
  ~Crowd();

 private:
  void walk(unsigned seed, std::chrono::nanoseconds pace, const config::Address& edge);
  /// False if the crowd is sent home before.
  bool wait_until(std::chrono::steady_clock::time_point when);

  std::mutex mutex_;
  std::condition_variable home_;
  bool going_home_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace weir::demo
