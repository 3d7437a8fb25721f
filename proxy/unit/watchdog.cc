#include "proxy/unit/watchdog.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>

#include "proxy/unit/notice.h"

namespace weir::unit {

namespace {
constexpr int kSignsAnInterval = 3;  // so that one that is late is no reason to be killed
}

void Watchdog::begin() {
  const auto interval = watchdog_interval();
  if (!interval) return;
  every_ = *interval / kSignsAnInterval;
  ask();
  look();
}

/// All have answered: a sign of life, and they are asked anew. Else nothing is said, and they are waited for.
void Watchdog::look() {
  timer_.expires_after(every_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    const auto late = std::ranges::find(answered_, false);
    if (late == answered_.end()) {
      late_told_ = false;
      tell_alive();
      ask();
    } else if (!std::exchange(late_told_, true)) {
      spdlog::error("worker {} has not turned for {} ms: the supervisor gets no sign of life", late - answered_.begin(),
                    std::chrono::duration_cast<std::chrono::milliseconds>(every_).count());
    }
    look();
  });
}

void Watchdog::ask() {
  answered_.assign(answered_.size(), false);
  ask_each_([this](size_t worker) { boost::asio::post(io_, [this, worker] { answered_[worker] = true; }); });
}

}  // namespace weir::unit
