// How many requests each version gets now: counted once a second, told as a rate over the last ones.
// Control thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>

#include "proxy/control/effect.h"
#include "proxy/metrics/registry.h"

namespace weir::control {

class Traffic {
 public:
  Traffic(boost::asio::io_context& io, metrics::Registry& registry) : timer_(io), registry_(registry) {}

  void begin();
  void stop() { timer_.cancel(); }

  /// Nothing but zeros before the first second is over.
  Load load(const std::string& service, const std::string& version) const;

 private:
  using Counts = std::array<uint64_t, metrics::kDecidedBy>;
  struct Sample {
    std::chrono::steady_clock::time_point at;
    std::map<metrics::VersionName, Counts> requests;  // by what decided
  };
  Sample sample() const;

  static constexpr std::chrono::seconds kBetween{1};
  static constexpr size_t kSamples = 10;

  boost::asio::steady_timer timer_;
  metrics::Registry& registry_;
  std::deque<Sample> samples_;
};

}  // namespace weir::control
