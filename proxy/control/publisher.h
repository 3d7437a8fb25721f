// The only writer of snapshots: loads the file, compiles, binds, and hands the workers one whole
// publication at a time. A file that does not load changes nothing. Control thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/parse.h"
#include "proxy/control/adoption.h"
#include "proxy/control/feed.h"
#include "proxy/control/keyring.h"
#include "proxy/control/resolver.h"
#include "proxy/control/sites.h"
#include "proxy/control/sockets.h"
#include "proxy/control/store.h"
#include "proxy/log/access_log.h"
#include "proxy/metrics/prometheus.h"
#include "proxy/metrics/registry.h"
#include "proxy/publication.h"
#include "proxy/unit/estate.h"
#include "proxy/unit/passed_sockets.h"

namespace weir::control {

/// A listener that the workers do not have yet, with the sockets they will own.
struct NewListener {
  std::shared_ptr<const proxy::ListenerSite> site;
  ListenSockets sockets;
};

/// Into the log, and to whoever listens.
void tell_change(const Change& change, Feed& feed);

/// What publishing needs of the rest.
struct PublisherParts {
  boost::asio::io_context& io;
  metrics::Registry& registry;
  log::AccessLog& access_log;
  Store& store;
  Feed& feed;
  const unit::PassedSockets& passed;  // sockets that weir was started with
  /// Of the weir before, if this one takes over from it: then the file must be the one that it serves by.
  std::optional<std::vector<unit::Estate::Listener>> inherited;
};

class Publisher {
 public:
  /// Hands a publication to every worker; `adopted` is called on the control thread for each that decides by it.
  using Deliver = std::function<void(std::shared_ptr<const proxy::Publication>, std::vector<NewListener>,
                                     std::function<void(size_t worker)> adopted)>;
  using Reloaded = std::function<void(config::Problems)>;
  /// Called with the files, beside the configuration's own, whose change is one of the configuration.
  using FilesKnown = std::function<void(const std::vector<std::string>& files)>;

  Publisher(PublisherParts parts, std::string path, size_t workers, Deliver deliver);

  /// The first configuration; runs `io` until it is delivered.
  config::Result<bool> begin(config::Loaded loaded);
  /// Loads the file again. `only_if_changed`: bytes that were tried before are not told again. `done` gets
  /// every problem; none: every worker decides by it (or has not for a second).
  void reload(bool only_if_changed, Reloaded done = {});
  /// The same configuration with the splits that the store holds now.
  void publish_splits();
  /// What the judge of a service's rollout counts, from the next publication on.
  void set_rollout(const std::string& service, std::shared_ptr<evidence::Tally> tally) {
    sites_.set_rollout(service, std::move(tally));
  }
  evidence::Bell& feedback_bell() { return sites_.feedback_bell(); }
  /// Calls `done` when every worker decides by what was published last, at the latest after 1 s.
  void when_adopted(std::function<void(size_t pending)> done) { adoption_.wait(kAdoptionPatience, std::move(done)); }
  bool adopted_by_all() const { return adoption_.by_all(); }
  size_t workers() const { return workers_; }
  void stop() {
    resolver_.stop();
    due_timer_.cancel();
  }
  /// Calls `known` now and whenever the configuration names others.
  void on_files(FilesKnown known);

  /// Calls `due` when a file that was refused only since its time had not come may be loaded.
  void on_due(std::function<void()> due) { due_ = std::move(due); }

  /// In force now.
  const std::shared_ptr<const proxy::Publication>& current() const { return current_; }
  std::vector<std::string> listener_addresses() const;
  /// What the last load failed with, its first problem; empty: it was taken.
  const std::string& trouble() const { return trouble_; }
  /// How the admin speaks TLS now; null: it does not. From `begin` on.
  const std::shared_ptr<const net::TlsServer>& admin_tls() const { return keyring_.admin.it; }
  /// The sockets in force, to be handed over; they stay the workers'.
  std::vector<unit::Estate::Listener> legacy() const;
  /// What the metrics page tells of configuration, splits and endpoints.
  void fill(metrics::Facts& facts) const;

 private:
  /// A configuration that is ready to be published.
  struct Prepared {
    std::shared_ptr<routing::Snapshot> snapshot;
    std::map<std::string, ListenSockets> sockets;  // new ones, by address as written
    Keyring keyring;
  };

  config::Result<Prepared> prepare(config::Loaded loaded);
  config::Problems refusals(const config::Config& next) const;
  config::Problems reshuffles(const config::Config& next) const;
  config::Problems departures(const config::Config& next) const;
  config::Result<std::map<std::string, ListenSockets>> bind_new(const config::Config& next) const;
  config::Result<ListenSockets> open(const config::Listener& listener) const;
  config::Problems open_access_log(const config::Config& next);
  void publish_when_resolved(Prepared prepared, Reloaded done);
  config::Problems publish(Prepared& prepared);
  void publish_addresses();
  config::Problems remember_splits(const config::Config& next);
  void set_splits(routing::Snapshot& snapshot) const;
  std::vector<NewListener> adopt_listeners(Prepared& prepared);
  void deliver(std::shared_ptr<const proxy::Publication> publication, std::vector<NewListener> fresh);
  void tell_failure(const config::Problems& problems);
  void wait_for(const config::Problems& problems);
  void wait_until(std::chrono::sys_seconds time);
  void tell_success();
  /// Is this what was tried last? From here on it is.
  bool tried_before(const config::Config& config);
  std::vector<std::string> watched_files(const config::Config& tried) const;

  static constexpr std::chrono::seconds kAdoptionPatience{1}, kLookAgain{60};

  boost::asio::io_context& io_;
  const std::string path_;
  const size_t workers_;
  metrics::Registry& registry_;
  log::AccessLog& access_log_;
  Store& store_;
  Feed& feed_;
  const unit::PassedSockets& passed_;
  std::optional<std::vector<unit::Estate::Listener>> inherited_;  // until the first configuration is in force
  const Deliver deliver_;
  FilesKnown files_known_;
  std::function<void()> due_;
  boost::asio::steady_timer due_timer_{io_};
  Resolver resolver_;
  Adoption adoption_;
  Sites sites_;
  Keysmith keysmith_;
  Keyring keyring_;  // in force
  std::shared_ptr<const proxy::Publication> current_;
  std::map<std::string, ListenerInForce> listeners_;  // by address as written
  std::string hash_in_force_;                         // of the file that every worker decides by; empty: none yet
  std::string tried_hash_;                            // of the file, and of the files it names
  std::vector<std::string> files_;                    // these, of the configuration tried last
  uint64_t next_listener_ = 1;
  uint64_t reloads_ok_ = 0, reloads_failed_ = 0;
  std::string trouble_;
  bool busy_ = false;  // a publication waits for names to resolve
  bool reload_again_ = false;
  std::vector<Reloaded> waiting_;  // for the reload after this one
};

}  // namespace weir::control
