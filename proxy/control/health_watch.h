// Looks after the health of every version: has endpoints probed, lets time pass, tells what changed, once, and refills
// the budgets of retries. Control thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "proxy/control/feed.h"
#include "proxy/publication.h"
#include "proxy/upstream/prober.h"

namespace weir::control {

class HealthWatch {
 public:
  HealthWatch(boost::asio::io_context& io, Feed& feed) : timer_(io), feed_(feed) {}

  /// What is in force from now on.
  void adopt(std::shared_ptr<const proxy::Publication> publication);
  void begin();
  void stop();

 private:
  void look();
  void tell(const routing::ServicePlan& service, size_t version, const upstream::HealthNews& news);

  boost::asio::steady_timer timer_;
  Feed& feed_;
  upstream::Prober prober_;
  std::shared_ptr<const proxy::Publication> publication_;
};

}  // namespace weir::control
