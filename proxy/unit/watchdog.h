// Signs of life for the supervisor, given only while *every* worker's loop turns: one that hangs while the
// others serve is a weir that answers some of its clients, and is to be started again. Control thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <vector>

namespace weir::unit {

class Watchdog {
 public:
  /// Asks each worker for an answer, which comes on that worker's own thread, between two of its turns.
  using AskEach = std::function<void(std::function<void(size_t worker)> answered)>;

  Watchdog(boost::asio::io_context& io, size_t workers, AskEach ask_each)
      : io_(io), timer_(io), ask_each_(std::move(ask_each)), answered_(workers, true) {}

  /// Begins, if the supervisor wants signs of life.
  void begin();
  void stop() { timer_.cancel(); }

 private:
  void look();
  void ask();

  boost::asio::io_context& io_;
  boost::asio::steady_timer timer_;
  const AskEach ask_each_;
  std::vector<bool> answered_;  // by worker, since it was asked last
  std::chrono::microseconds every_{};
  bool late_told_ = false;
};

}  // namespace weir::unit
