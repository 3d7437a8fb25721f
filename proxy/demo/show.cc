#include "proxy/demo/show.h"

#include <fmt/core.h>
#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <csignal>
#include <cstdio>

#include "proxy/demo/advice.h"
#include "proxy/demo/config_file.h"
#include "proxy/demo/table.h"

namespace weir::demo {

using std::chrono::steady_clock;

Show::Show(proxy::Server& server, Options options)
    : server_(server),
      options_(std::move(options)),
      timer_(server.control()),
      signals_(server.control(), SIGINT, SIGTERM),
      since_(steady_clock::now()) {}

void Show::start() {
  print_what_to_try();
  if (options_.redraw) {
    log_lines_.emplace([this](std::string line) {
      boost::asio::post(server_.control(), [this, line = std::move(line)] { print_above(line); });
    });
  }
  crowd_ = std::make_unique<Crowd>(*config::parse_address(options_.edge), options_.visitors);
  before_ = metrics::summarize(server_.registry());
  signals_.async_wait([this](boost::system::error_code error, int) {
    if (!error) end();
  });
  keys_.emplace(
      server_.control(), [this](char key) { press(key); },
      [this] {
        end();
        server_.stop();  // HUP, which a closed terminal sends, is no end to a server
      });
  tick();
}

/// `b` breaks the new version, and mends it again.
void Show::press(char key) {
  if (key != 'b') return;
  broken_ = !broken_;
  options_.break_new(broken_);
  print_above(broken_ ? "new is broken: it answers 500 from now on; b mends it\n" : "new is mended\n");
}

void Show::end() {
  keys_.reset();
  timer_.cancel();
  crowd_.reset();
  if (log_lines_) log_lines_->let_go();
  fmt::print("\nending: requests under way are finished first\n");
  std::fflush(stdout);
  lines_ = 0;  // what comes now is printed below
}

void Show::print_what_to_try() const {
  const auto snapshot = server_.snapshot();
  const auto service = snapshot->service_index(kService);
  if (!service) return;
  fmt::print("{}", what_to_try(snapshot->services[*service],
                               {.edge = options_.edge, .admin = options_.admin, .config_file = options_.config_file}));
  std::fflush(stdout);
}

void Show::tick() {
  timer_.expires_at(since_ + std::chrono::seconds(1));
  timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    spdlog::set_level(spdlog::level::info);  // until now the log would have said what is above
    const auto now = steady_clock::now();
    metrics::Summary summary = metrics::summarize(server_.registry());
    print_table(metrics::since(summary, before_), now - since_);
    before_ = std::move(summary);
    since_ = now;
    tick();
  });
}

void Show::print_table(const metrics::Summary& interval, std::chrono::nanoseconds length) {
  const auto snapshot = server_.snapshot();
  const auto service = snapshot->service_index(kService);
  if (!service) return;  // edited away
  const auto table = rows(snapshot->services[*service], interval, length);
  if (options_.redraw && lines_ > 0) fmt::print("\x1b[{}A", lines_);
  if (options_.redraw || lines_ % 60 == 0) fmt::print("{}", heading(kService));
  for (const Row& row : table) fmt::print("{}{}", options_.redraw ? "\x1b[K" : "", line(row));
  lines_ = options_.redraw ? table.size() + 1 : lines_ + table.size();
  std::fflush(stdout);
}

/// The table is drawn anew below the line.
void Show::print_above(const std::string& line) {
  if (options_.redraw && lines_ > 0) fmt::print("\x1b[{}A\x1b[J", lines_);
  lines_ = 0;
  fmt::print("{}", line);
  std::fflush(stdout);
}

}  // namespace weir::demo
