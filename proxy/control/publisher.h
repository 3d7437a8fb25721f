// The only writer of snapshots: loads the file, compiles, binds, and hands the workers one whole
// publication at a time. A file that does not load changes nothing. Control thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/parse.h"
#include "proxy/control/resolver.h"
#include "proxy/control/sockets.h"
#include "proxy/log/access_log.h"
#include "proxy/metrics/prometheus.h"
#include "proxy/metrics/registry.h"
#include "proxy/publication.h"

namespace weir::control {

/// A listener that the workers do not have yet, with the sockets they will own.
struct NewListener {
  std::shared_ptr<const proxy::ListenerSite> site;
  ListenSockets sockets;
};

class Publisher {
 public:
  using Deliver = std::function<void(std::shared_ptr<const proxy::Publication>, std::vector<NewListener>)>;

  Publisher(boost::asio::io_context& io, std::string path, size_t workers, metrics::Registry& registry,
            log::AccessLog& access_log, Deliver deliver);

  /// The first configuration; runs `io` until it is delivered.
  config::Result<bool> begin(config::Loaded loaded);
  /// Loads the file again. `only_if_changed`: bytes that were tried before are not told again.
  void reload(bool only_if_changed);
  void stop() { resolver_.stop(); }

  /// In force now.
  const std::shared_ptr<const proxy::Publication>& current() const { return current_; }
  std::vector<std::string> listener_addresses() const;
  /// What the metrics page tells of configuration, splits and endpoints.
  void fill(metrics::Facts& facts) const;

 private:
  struct SplitInForce {
    std::string candidate;
    config::Share share{};
    uint64_t revision = 1;
    uint64_t changes_by_file = 0;
  };
  struct ListenerInForce {
    uint64_t id = 0;
    std::string bound;  // address text, as bound
  };
  /// A configuration that is ready to be published.
  struct Prepared {
    std::shared_ptr<routing::Snapshot> snapshot;
    std::map<std::string, ListenSockets> sockets;  // new ones, by address as written
  };

  config::Result<Prepared> prepare(config::Loaded loaded);
  config::Problems refusals(const config::Config& next) const;
  config::Result<std::map<std::string, ListenSockets>> bind_new(const config::Config& next) const;
  config::Problems open_access_log(const config::Config& next);
  void publish_when_resolved(Prepared prepared);
  void publish(Prepared prepared);
  void publish_addresses();
  void number_splits(routing::Snapshot& snapshot);
  std::vector<NewListener> adopt_listeners(Prepared& prepared);
  std::shared_ptr<const proxy::Publication> make_publication(std::shared_ptr<const routing::Snapshot> snapshot);
  proxy::ServiceSite make_service(const routing::ServicePlan& plan, const config::Service& service,
                                  const config::Timeouts& timeouts);
  proxy::VersionSite make_version(const config::Service& service, const config::Version& version,
                                  const config::Timeouts& timeouts);
  std::shared_ptr<upstream::Endpoint> endpoint(const std::string& service, const std::string& version,
                                               const std::string& address);
  std::shared_ptr<const proxy::ListenerSite> make_listener(const config::Listener& listener);
  void tell_failure(const config::Problems& problems);

  boost::asio::io_context& io_;
  const std::string path_;
  const size_t workers_;
  metrics::Registry& registry_;
  log::AccessLog& access_log_;
  const Deliver deliver_;
  Resolver resolver_;
  std::shared_ptr<const proxy::Publication> current_;
  std::map<std::string, SplitInForce> splits_;        // by service
  std::map<std::string, ListenerInForce> listeners_;  // by address as written
  std::map<std::array<std::string, 3>, std::weak_ptr<upstream::Endpoint>> endpoints_;
  std::string tried_hash_;
  uint64_t next_listener_ = 1;
  uint64_t reloads_ok_ = 0, reloads_failed_ = 0;
  bool last_ok_ = true;
  bool busy_ = false;  // a publication waits for names to resolve
  bool reload_again_ = false;
};

}  // namespace weir::control
