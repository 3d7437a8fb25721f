// How many users the services with a rollout have: marked by the workers, gathered here every ten minutes. Control
// thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>

#include "proxy/control/attendance_book.h"
#include "proxy/control/publisher.h"

namespace weir::control {

class Audiences {
 public:
  Audiences(boost::asio::io_context& io, Publisher& publisher) : timer_(io), publisher_(publisher) {}

  /// Once a configuration is in force. Without a state directory nobody would ask, and nothing is gathered.
  void begin(const std::optional<config::State>& state);
  void stop() { timer_.cancel(); }

 private:
  void close_window_later();
  void close_window();

  boost::asio::steady_timer timer_;
  Publisher& publisher_;
  std::optional<AttendanceBook> book_;
  bool told_ = false;  // that it cannot be kept
};

}  // namespace weir::control
