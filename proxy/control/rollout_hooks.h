// Who is called for what of a rollout, and what came of it. Control thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/control/hooks.h"
#include "proxy/control/rollouts.h"

namespace weir::control {

std::string_view hook_event_text(config::HookEvent event);

class RolloutHooks {
 public:
  explicit RolloutHooks(boost::asio::io_context& io) : io_(io) {}

  /// Calls whoever wants to know of this step; returns at once.
  void tell(const Run& run, const RolloutEntry& entry);
  void stop() { hooks_.reset(); }
  /// What the metrics page tells of them.
  void fill(metrics::Facts& facts) const;

 private:
  Hooks& hooks();
  void called(const HookCall& call, const std::string& why);

  boost::asio::io_context& io_;
  std::map<std::pair<std::string, std::string>, uint64_t> count_;  // by service and result
  std::unique_ptr<Hooks> hooks_;                                   // null until somebody is called
};

}  // namespace weir::control
