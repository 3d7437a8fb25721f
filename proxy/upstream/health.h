// The health of a version's endpoints as all workers, the prober and the control thread share it: the same object
// while the version is there. Asking costs one relaxed load; the lock is taken only where something failed, came back
// or is told.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/upstream/endpoint.h"
#include "routing/health.h"

namespace weir::upstream {

/// Why an endpoint is not healthy; `none`: it is.
enum class Absence : uint8_t { none, unresolved, probe, ejected, unreachable };
std::string_view absence_text(Absence absence);  // empty for none

/// An endpoint as it stands now.
struct EndpointStanding {
  const Endpoint* endpoint = nullptr;  // only to be compared
  Absence absence = Absence::none;
  routing::HealthTime for_another{0};  // where ejected: until it is let in again
  uint64_t ejections = 0;              // so far
};

/// A version as it stands now.
struct VersionStanding {
  bool available = true;           // false: a candidate whose requests go to the stable version
  bool panics = false;             // nothing is healthy, and all is used
  routing::HealthTime back_in{0};  // where not available: it comes back no sooner
  std::vector<EndpointStanding> endpoints;

  /// Of one that is not known: it has not been heard of.
  EndpointStanding of(const Endpoint& endpoint) const;
};

/// Something that became different, to be told once.
struct HealthNews {
  enum class What : uint8_t { endpoint, fallback, panic } what = What::endpoint;
  bool on = false;              // the endpoint is healthy, requests fall back, the version panics
  std::string endpoint{};       // which
  std::string why{};            // it is not healthy, or was not
  routing::HealthTime time{0};  // where ejected: for how long
};

/// What a worker makes of it for one publication.
struct Weighed {
  bool used = true;
  routing::HealthTime came_back{0};
};

class Health {
 public:
  /// What a publication says. `consecutive`: failures in a row that eject (0: none does); `probes`: the
  /// prober looks after them. Control thread.
  void configure(const routing::HealthRules& rules, uint32_t consecutive, bool probes,
                 const std::vector<EndpointSite>& sites);

  // Any thread, without a lock.
  /// Grows with every change of what workers go by.
  uint32_t changes() const { return changes_.load(std::memory_order_relaxed); }
  /// Not a candidate that fell: its requests go to it.
  bool available() const { return available_.load(std::memory_order_relaxed); }
  /// A request at the endpoint failed in a way that counts; `connect`: there was no connection at all.
  void failed(Endpoint& endpoint, bool counts, bool connect);
  /// A request was answered, and not in a way that counts against the endpoint.
  void served(Endpoint& endpoint) {
    if (endpoint.failures.load(std::memory_order_relaxed) > 0) endpoint.failures.store(0, std::memory_order_relaxed);
  }
  /// A connection was made.
  void reached(Endpoint& endpoint) {
    if (endpoint.unreached.load(std::memory_order_relaxed) > 0) reached_again(endpoint);
  }

  // Any thread, under the lock.
  void probed(Endpoint& endpoint, bool passed);
  /// Ends what is over.
  void pass_time();
  std::vector<HealthNews> take_news();
  VersionStanding standing() const;
  /// As a worker uses them: one for each of `sites`; whether some still warm up.
  bool weigh(const std::vector<EndpointSite>& sites, std::vector<Weighed>& into) const;

 private:
  size_t index_of(const Endpoint& endpoint) const;
  void reached_again(Endpoint& endpoint);
  /// Compares with what was told last; called with the lock held after any change.
  void publish(routing::HealthTime now);
  void tell(size_t endpoint, Absence is);

  std::atomic<uint32_t> changes_{1};
  std::atomic<bool> available_{true};
  std::atomic<uint32_t> consecutive_{0};

  mutable std::mutex mutex_;
  routing::VersionHealth health_;
  std::vector<std::shared_ptr<Endpoint>> endpoints_;  // parallel to health_'s
  std::vector<Absence> told_;
  bool told_panic_ = false;
  bool was_warming_ = false;
  bool configured_ = false;
  std::vector<HealthNews> news_;
};

}  // namespace weir::upstream
