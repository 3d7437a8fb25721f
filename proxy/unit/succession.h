// One weir takes over from another while both run: the new one is started with what the old one leaves it, and they
// say to each other, in this order
//   the new one   ready    every worker of it would serve
//   the old one   go       the state is yours
//   the new one   serving  I have read it, and accept connections
//   the old one   told     I have told the supervisor who you are, and accept nobody any more
// Control thread.
//
// If the new one ends, fails, or takes too long before it serves, the old one goes on as if nothing had been. If the
// old one ends before it could say so, the new one is the one. The wire between them stays until one of them ends.
#pragma once

#include <sys/types.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/unit/estate.h"

namespace weir::unit {

/// Where this program was started from: what is there by the time of an upgrade is the new one. Asked at the start.
std::string own_program();

/// The new one, seen from the old one.
class Successor {
 public:
  /// `wrong` is empty when it serves; else it says why it does not.
  using Done = std::function<void(std::string wrong)>;

  explicit Successor(boost::asio::io_context& io) : wire_(io), timer_(io) {}
  ~Successor();
  Successor(const Successor&) = delete;
  Successor& operator=(const Successor&) = delete;

  /// Starts `command` (its first word is the program's path) as a process that is nobody's child. `done` is called
  /// once, and may end this object; a new process that is not confirmed by then ends with it.
  void start(const std::vector<std::string>& command, Estate estate, Done done);
  pid_t id() const { return id_; }
  /// After `done`: it may take the state. `done` as above, within the same time.
  void go(Done done);
  /// From here on it is the one.
  void confirm();

 private:
  std::string spawn(const std::vector<std::string>& command, const Estate& estate);
  void say(std::string_view word);
  void listen_for(std::string_view word);
  void finish(const std::string& wrong);

  boost::asio::posix::stream_descriptor wire_;
  boost::asio::steady_timer timer_;
  std::array<char, 1024> message_{};
  Done done_;
  pid_t id_ = 0;
  bool confirmed_ = false;
};

/// The old one, seen from the new one.
class Predecessor {
 public:
  Predecessor(boost::asio::io_context& io, int wire) : wire_(io, wire) {}

  /// Says that all could be served, and calls `go` when the old one has agreed, or is gone.
  void tell_ready(std::function<void()> go);
  /// Says that all is served, and calls `told` when the supervisor knows, or the old one is gone.
  void tell_serving(std::function<void()> told);
  /// It has finished what was under way there, and ended.
  bool gone() const { return gone_; }
  /// Why nothing will come of it, before the process ends.
  static void tell_failure(int wire, const std::string& why);

 private:
  void tell(std::string_view word, std::function<void()> answered);
  void await_end();

  boost::asio::posix::stream_descriptor wire_;
  std::array<char, 64> message_{};
  bool gone_ = false;
};

}  // namespace weir::unit
