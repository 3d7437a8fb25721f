// What the demo shows while it runs: what to try, then a line per version each second.
#pragma once

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "proxy/demo/keys.h"
#include "proxy/demo/log_lines.h"
#include "proxy/demo/visitor.h"
#include "proxy/metrics/summary.h"
#include "proxy/server.h"

namespace weir::demo {

/// Lives on the control thread beside a server that outlives it.
class Show {
 public:
  struct Options {
    std::string config_file;
    std::string edge, admin;
    unsigned visitors = 0;  // requests a second
    bool redraw = false;    // in place; else line after line
    std::function<void(bool broken)> break_new;
  };
  Show(proxy::Server& server, Options options);

  /// Prints what to try, lets the visitors in and begins to tick; ends with INT or TERM, at which the
  /// server drains.
  void start();

 private:
  void print_what_to_try() const;
  void tick();
  void print_table(const metrics::Summary& interval, std::chrono::nanoseconds length);
  void print_above(const std::string& line);
  void press(char key);
  void end();

  proxy::Server& server_;
  const Options options_;
  boost::asio::steady_timer timer_;
  boost::asio::signal_set signals_;
  std::optional<LogLines> log_lines_;  // where the table is redrawn
  std::unique_ptr<Crowd> crowd_;
  std::optional<Keys> keys_;
  bool broken_ = false;
  metrics::Summary before_;
  std::chrono::steady_clock::time_point since_;
  size_t lines_ = 0;  // of the table on the screen
};

}  // namespace weir::demo
