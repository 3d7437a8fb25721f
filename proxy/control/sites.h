// A snapshot with what serving it takes: series, endpoints, addresses. Control thread.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>

#include "proxy/control/keyring.h"
#include "proxy/control/resolver.h"
#include "proxy/evidence/audience.h"
#include "proxy/evidence/mailbox.h"
#include "proxy/metrics/registry.h"
#include "proxy/publication.h"

namespace weir::control {

struct ListenerInForce {
  uint64_t id = 0;
  std::string bound;             // address text, as bound
  std::vector<int> descriptors;  // one a worker, whose they are
  bool shared = false;
};
using ListenersInForce = std::map<std::string, ListenerInForce>;  // by address as written

/// Makes publications; what has the same name in two of them is the same object.
class Sites {
 public:
  Sites(metrics::Registry& registry, const Resolver& resolver, size_t workers)
      : registry_(registry), resolver_(resolver), workers_(workers) {}

  /// Every listener of the snapshot's configuration is in `listeners`, those that speak TLS in `keyring` too.
  std::shared_ptr<const proxy::Publication> publication(std::shared_ptr<const routing::Snapshot> snapshot,
                                                        const ListenersInForce& listeners, const Keyring& keyring);

  /// What the judge of a service's rollout counts from the next publication on; null: nothing climbs.
  void set_rollout(const std::string& service, std::shared_ptr<evidence::Tally> tally);
  std::shared_ptr<evidence::Tally> rollout(const std::string& service) const;

  /// Requests that began before `publication` know from here on which versions are closed by it.
  static void tell_those_under_way(const proxy::Publication& publication);

  /// Rings when a mailbox has got a rating.
  evidence::Bell& feedback_bell() { return *feedback_bell_; }

 private:
  std::shared_ptr<const proxy::ListenerSite> make_listener(const config::Listener& listener,
                                                           const ListenerInForce& known, const Keyring& keyring);
  proxy::ServiceSite make_service(const routing::ServicePlan& plan, const config::Service& service,
                                  const config::Timeouts& timeouts, const Keyring& keyring);
  proxy::VersionSite make_version(const config::Service& service, const config::Version& version,
                                  const config::Timeouts& timeouts, const Keyring& keyring);
  std::shared_ptr<upstream::Endpoint> endpoint(const std::string& service, const std::string& version,
                                               const std::string& address);
  std::shared_ptr<proxy::UnderWay> under_way(const std::string& service, const std::string& version);
  std::shared_ptr<upstream::Queue> queue(const std::string& service, const config::Version& version);
  std::shared_ptr<upstream::RetryBudget> budget(const config::Service& service);
  std::shared_ptr<evidence::Mailbox> mailbox(const config::Service& service);
  std::shared_ptr<evidence::Audience> audience(const std::string& service);
  std::shared_ptr<upstream::Health> health(const config::Service& service, const config::Version& version,
                                           const std::vector<upstream::EndpointSite>& endpoints);

  metrics::Registry& registry_;
  const Resolver& resolver_;
  const size_t workers_;
  std::map<std::array<std::string, 3>, std::weak_ptr<upstream::Endpoint>> endpoints_;
  std::map<std::array<std::string, 2>, std::weak_ptr<proxy::UnderWay>> under_way_;
  std::map<std::array<std::string, 2>, std::weak_ptr<upstream::Health>> healths_;
  std::map<std::array<std::string, 2>, std::weak_ptr<upstream::Queue>> queues_;
  std::map<std::string, std::weak_ptr<upstream::RetryBudget>> budgets_;
  std::map<std::string, std::shared_ptr<evidence::Tally>> rollouts_;
  std::map<std::string, std::weak_ptr<evidence::Mailbox>> mailboxes_;
  std::map<std::string, std::weak_ptr<evidence::Audience>> audiences_;
  const std::shared_ptr<evidence::Bell> feedback_bell_ = std::make_shared<evidence::Bell>();
};

}  // namespace weir::control
