// An upgrade, seen from the process that serves: the program is started anew with what this one has, and this one lets
// go of it once the new one serves. Until then nothing has changed, and where it comes to nothing nothing has.
// Control thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/control/operator.h"
#include "proxy/control/publisher.h"
#include "proxy/control/rollouts.h"
#include "proxy/unit/passed_sockets.h"
#include "proxy/unit/succession.h"

namespace weir::proxy {

struct HandoverParts {
  boost::asio::io_context& io;
  control::Publisher& publisher;
  control::Store& store;
  control::Rollouts& rollouts;
  const unit::PassedSockets& passed;
  std::function<void(control::Publisher::Reloaded)> reload;
  std::function<int()> admin;            // its listening socket, or -1
  std::function<std::string()> unready;  // why this is no time for it; empty: it is
  std::function<void(bool)> yield;       // nothing is changed here any more, as another process has the state; or it is
  std::function<void()> retire;          // another process is the one from here on
  std::vector<std::string> command;      // by which the program is started; empty: it cannot be
};

class Handover {
 public:
  explicit Handover(HandoverParts parts) : parts_(std::move(parts)) {}

  /// First the file is loaded, so that the new process finds nothing in it that this one does not know.
  void begin(control::Operator::Upgraded done);
  /// A new process that does not serve yet is ended.
  void stop() { successor_.reset(); }

 private:
  std::string refusal() const;
  void start();
  std::string leave(unit::Estate& estate);
  void ready(std::string wrong);
  void serving(const std::string& wrong);
  void give_up(const std::string& wrong);
  void end(control::Upgrade upgrade);
  /// Differs when anything has changed that the new process may have read before.
  std::pair<std::string, uint64_t> stamp() const;

  HandoverParts parts_;
  std::unique_ptr<unit::Successor> successor_;
  control::Operator::Upgraded done_;  // set: one is under way
  std::pair<std::string, uint64_t> stamp_;
  int rollouts_memory_ = -1;
};

}  // namespace weir::proxy
