// What is lost where the machine ends (lines of a full disk's log, connections without a descriptor) is told, but not
// each time: a full disk or a flood would fill the log too. Control thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>

#include "proxy/log/access_log.h"
#include "proxy/metrics/registry.h"

namespace weir::proxy {

class Losses {
 public:
  Losses(boost::asio::io_context& io, const log::AccessLog& access_log, metrics::Registry& registry)
      : timer_(io), access_log_(access_log), registry_(registry) {}

  /// Looks once a second; what it finds is told at most every ten seconds.
  void watch();
  void stop() { timer_.cancel(); }

 private:
  bool tell();
  uint64_t connections_without_descriptor();

  boost::asio::steady_timer timer_;
  const log::AccessLog& access_log_;
  metrics::Registry& registry_;
  uint64_t lines_told_ = 0, descriptors_told_ = 0;
};

}  // namespace weir::proxy
