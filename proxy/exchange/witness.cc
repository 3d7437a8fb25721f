#include "proxy/exchange/witness.h"

#include "routing/settle.h"

namespace weir::proxy {

namespace {

/// Equal for addresses of one /24 or /48.
uint32_t network_of(const config::IpAddress& client) {
  const size_t begin = client.is_v4() ? 12 : 0, size = client.is_v4() ? 3 : 6;
  uint32_t network = 2166136261;  // FNV-1a
  for (size_t i = 0; i < size; ++i) network = (network ^ client.bytes[begin + i]) * 16777619;
  return network;
}

}  // namespace

bool given_by_chance(const ServiceView& service, const routing::Decision& decision) {
  if (!service.plan->has_candidate || !decision.bucket) return false;
  if (decision.by == routing::DecidedBy::split) return true;
  return decision.by == routing::DecidedBy::without_key &&
         service.plan->cohort.without_key == config::WithoutKey::random;
}

evidence::BadEvent event_of(const ServiceView& service, const routing::Decision& decision,
                            const config::IpAddress& client) {
  evidence::BadEvent event;
  event.user = decision.user;
  event.network = network_of(client);
  event.candidate = decision.version == service.plan->candidate;
  event.share = routing::share_for(*service.plan, decision.rule);
  return event;
}

void Witness::decided(const ServiceView& service, const routing::Decision& decision, const config::IpAddress& client) {
  evidence::Tally* const tally = service.site->rollout.get();
  if (tally == nullptr) return;
  if (decision.by == routing::DecidedBy::fallback) return tally->diverted(worker_.index());
  if (!given_by_chance(service, decision)) return;
  tally_ = tally;
  event_ = event_of(service, decision, client);
}

void Witness::request_sent(net::Nanos at) {
  if (tally_ == nullptr || tally_->terms().slow.count() == 0) return;
  set(at + tally_->terms().slow);
}

void Witness::response_head(unsigned status, net::Nanos took) {
  if (tally_ == nullptr) return;
  clear();
  took_ = took;
  if (tally_->terms().slow.count() > 0 && took > tally_->terms().slow) expire();
  if (status >= 500) tell(evidence::Metric::errors);
}

void Witness::moved(bool failed) {
  if (tally_ == nullptr) return;
  if (failed) return ended(true);  // rescued, and counted against the version that failed
  tally_->diverted(worker_.index());
  clear();
  tally_ = nullptr;
}

void Witness::ended(bool failed) {
  if (tally_ == nullptr) return;
  clear();
  const auto side = event_.candidate ? routing::rollout::kCandidate : routing::rollout::kStable;
  // A rule's split has a share of its own: its users are not those that the service's share is held against.
  if (event_.share == tally_->terms().share) tally_->answered(worker_.index(), side, event_.user, failed, took_);
  if (failed) tell(evidence::Metric::errors);
  tally_ = nullptr;
}

void Witness::expire() {
  if (tally_ == nullptr || std::exchange(slow_told_, true)) return;
  tell(evidence::Metric::slow);
}

void Witness::tell(evidence::Metric metric) {
  event_.metric = metric;
  tally_->bad(worker_.index(), event_);
}

}  // namespace weir::proxy
