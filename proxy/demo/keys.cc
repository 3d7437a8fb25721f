#include "proxy/demo/keys.h"

#include <unistd.h>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

namespace weir::demo {

Keys::Keys(boost::asio::io_context& io, std::function<void(char)> pressed, std::function<void()> gone)
    : input_(io, ::dup(STDIN_FILENO)), pressed_(std::move(pressed)), gone_(std::move(gone)) {
  termios terminal{};
  // A background process that changed its terminal would be stopped.
  const bool ours = ::isatty(STDIN_FILENO) != 0 && ::tcgetpgrp(STDIN_FILENO) == ::getpgrp();
  if (ours && ::tcgetattr(STDIN_FILENO, &terminal) == 0) {
    before_ = terminal;
    terminal.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
  }
  wait();
}

Keys::~Keys() {
  if (before_) ::tcsetattr(STDIN_FILENO, TCSANOW, &*before_);
}

/// Ends at the input's end. A file cannot be waited for: what it has is there.
void Keys::wait() {
  input_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
    const bool stopped = error && error != boost::asio::error::operation_not_supported;
    char key = 0;
    if (stopped) return;
    if (::read(input_.native_handle(), &key, 1) != 1) {
      if (before_) boost::asio::post(input_.get_executor(), gone_);  // which may destroy this
      return;
    }
    pressed_(key);
    wait();
  });
}

}  // namespace weir::demo
