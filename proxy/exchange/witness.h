// What one exchange says to the judge of its service's rollout: nothing, where none runs or chance did not decide.
#pragma once

#include "config/config.h"
#include "proxy/evidence/tally.h"
#include "proxy/net/clock.h"
#include "proxy/net/punctual.h"
#include "proxy/worker.h"
#include "routing/decide.h"

namespace weir::proxy {

/// Did chance give this user the version? Forced, keyless and diverted requests say nothing of the versions.
bool given_by_chance(const ServiceView& service, const routing::Decision& decision);
/// Who, on which version by which share; nothing of what happened yet.
evidence::BadEvent event_of(const ServiceView& service, const routing::Decision& decision,
                            const config::IpAddress& client);

/// Owned by the exchange's record; the worker's thread.
class Witness final : public net::Punctual::Entry {
 public:
  explicit Witness(Worker& worker) : net::Punctual::Entry(worker.punctual()), worker_(worker) {}

  /// `service` outlives the exchange.
  void decided(const ServiceView& service, const routing::Decision& decision, const config::IpAddress& client);
  void request_sent(net::Nanos at);
  void response_head(unsigned status, net::Nanos took);
  /// The request goes on at the other version: after a failed try, or because there was no endpoint for one.
  void moved(bool failed);
  /// Once: the client got an answer, or nothing for a fault that was not its own.
  void ended(bool failed);

 private:
  void expire() override;
  void tell(evidence::Metric metric);

  Worker& worker_;
  evidence::Tally* tally_ = nullptr;
  evidence::BadEvent event_;
  net::Nanos took_{};
  bool slow_told_ = false;
};

}  // namespace weir::proxy
