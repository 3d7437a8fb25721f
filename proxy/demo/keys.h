// Keys that are pressed while the demo runs.
#pragma once

#include <termios.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <optional>

namespace weir::demo {

/// Calls `pressed` for each byte of standard input, without a line's end where it is a terminal, and `gone`, once, when
/// that terminal is closed; puts the terminal back when destroyed. Control thread.
class Keys {
 public:
  Keys(boost::asio::io_context& io, std::function<void(char)> pressed, std::function<void()> gone);
  ~Keys();
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;

 private:
  void wait();

  boost::asio::posix::stream_descriptor input_;
  std::function<void(char)> pressed_;
  std::function<void()> gone_;
  std::optional<termios> before_;  // of the terminal
};

}  // namespace weir::demo
