// Listening sockets, opened by the control thread and owned by the workers.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "config/problem.h"
#include "proxy/net/address.h"
#include "proxy/unit/estate.h"
#include "proxy/unit/passed_sockets.h"

namespace weir::control {

/// One descriptor a worker; `shared`: they all accept from one queue (unix and passed sockets).
struct ListenSockets {
  net::SocketAddress address;  // as bound
  std::vector<int> descriptors;
  bool shared = false;

  void close();
};

/// Binds: TCP with SO_REUSEPORT, one queue a worker, after it was bound once without, so that a
/// second weir fails instead of taking half of the traffic. Problems say what to do.
config::Result<ListenSockets> listen_on(const config::Listener& listener, const unit::PassedSockets& passed,
                                        size_t workers);

/// The sockets of the weir before, which listen already.
config::Result<ListenSockets> take_over(const config::Listener& listener, const unit::Estate::Listener& left,
                                        size_t workers);

}  // namespace weir::control
