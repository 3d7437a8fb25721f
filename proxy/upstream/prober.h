// Asks endpoints how they are, each time on a connection of its own, on a thread of its own: neither a busy worker
// nor a slow disk makes a probe late. What it finds goes to the versions' Health; it counts no requests.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "config/config.h"
#include "proxy/net/loop.h"
#include "proxy/upstream/health.h"

namespace weir::upstream {

/// An endpoint to look after.
struct ProbeTarget {
  EndpointSite site;
  std::shared_ptr<Health> health;
  /// Absent: only whether it can be connected to, and only while its version is not available.
  std::optional<config::Health> probe;
  std::chrono::milliseconds connect{};  // how long a connect may take, without `probe`
};

class Prober {
 public:
  Prober();
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  /// From now on these and no others; those that were there keep their time. Any thread, one at a time.
  void watch(std::vector<ProbeTarget> targets);
  /// Ends the thread; nothing is probed any more.
  void stop();

 private:
  class Round;
  void adopt(const std::vector<ProbeTarget>& targets);

  net::Loop loop_;
  std::map<const Endpoint*, std::unique_ptr<Round>> rounds_;  // the thread's own
  std::thread thread_;
};

}  // namespace weir::upstream
