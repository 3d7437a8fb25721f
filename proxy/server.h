// The whole of a running weir: the workers and the control thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/problem.h"
#include "proxy/control/operator.h"
#include "proxy/metrics/registry.h"
#include "routing/snapshot.h"

namespace boost::asio {
class io_context;
}

namespace weir::unit {
struct Estate;
}

namespace weir::proxy {

/// Built and run by one thread, which becomes the control thread.
class Server {
 public:
  /// Loads, compiles, binds; problems are the configuration's or the sockets'. What the weir before has left to this
  /// process is taken over. `command`: by which this program is started for an upgrade; empty: there is none.
  static config::Result<std::unique_ptr<Server>> create(const std::string& config_path,
                                                        std::vector<std::string> command = {});
  ~Server();

  boost::asio::io_context& control();
  /// On the control thread, while `run` runs.
  control::Operator& operate();
  metrics::Registry& registry();
  /// In force now.
  std::shared_ptr<const routing::Snapshot> snapshot() const;
  /// As bound, e.g. `127.0.0.1:8080`.
  std::vector<std::string> listener_addresses() const;
  /// Begins to drain: `run` returns when everything under way is done, or timeouts.drain is over.
  void stop();
  /// Serves until drained; the process' exit code.
  int run();

 private:
  class Body;
  static config::Result<std::unique_ptr<Server>> open(const std::string& config_path, std::vector<std::string> command,
                                                      const std::optional<unit::Estate>& estate);
  explicit Server(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

}  // namespace weir::proxy
