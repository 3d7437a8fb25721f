#include "proxy/exchange/retry.h"

#include <algorithm>

namespace weir::proxy {

namespace {

/// Sending them twice asks for the same (RFC 9110 §9.2.2) …
bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" || method == "DELETE";
}

/// … and of these, asking either version (they change nothing, §9.2.1).
bool is_safe(std::string_view method) { return method == "GET" || method == "HEAD" || method == "OPTIONS"; }

bool is_reset(http::Fault fault) {
  return fault == http::Fault::connection_terminated || fault == http::Fault::response_incomplete;
}

bool is_late(http::Fault fault) {
  return fault == http::Fault::response_timeout || fault == http::Fault::request_not_taken;
}

}  // namespace

void Retry::begin(const ServiceView& service, uint32_t version, std::string_view method) {
  service_ = &service;
  rules_ = service.config->retry ? &*service.config->retry : nullptr;
  version_ = version;
  idempotent_ = is_idempotent(method);
  safe_ = is_safe(method);
}

void Retry::next_try(const RequestRelay& request) {
  request_ = &request;
  ++tries_;
  discarded_ = false;
}

bool Retry::left() const { return service_ && tries_ <= (rules_ ? rules_->retries : 1); }

bool Retry::repeatable() const { return idempotent_ && request_->replayable(); }

/// Without `retry`, and for what it does not name: a failed connect, and a kept connection that died (contract §3).
bool Retry::wants(const FailedTry& failed) const {
  if (!failed.connected) return !rules_ || rules_->when.connect;
  if (is_reset(failed.fault)) return (rules_ && rules_->when.reset) || (failed.reused && !failed.got_any);
  return is_late(failed.fault) && rules_ && rules_->when.timeout;
}

Again Retry::after(const FailedTry& failed) {
  if (failed.began || !left()) return Again::no;
  const bool unsent = !failed.connected || request_->untouched();
  if (!discarded_) {
    if (!wants(failed) || !(unsent || repeatable())) return Again::no;
    // An endpoint that refuses, or went with all its connections, must not use up what others need.
    const bool went = failed.reused && !failed.got_any && is_reset(failed.fault);
    const bool free = (unsent || went) && tries_ == 1;
    if (!free && !spend()) return Again::no;
  }
  return where(unsent);
}

Again Retry::without_endpoint() {
  const bool elsewhere = service_ && where(true) == Again::on_stable && left();
  return elsewhere && (tries_ == 1 || spend()) ? Again::on_stable : Again::no;
}

/// At most once to the other version. What was never sent may go there whatever its method: it is as if the candidate
/// had been known to be away.
Again Retry::where(bool unsent) {
  const routing::ServicePlan& plan = *service_->plan;
  const bool from_candidate = plan.has_candidate && version_ == plan.candidate;
  if (!rules_ || !rules_->rescue_on_stable || !from_candidate || !(safe_ || unsent)) return Again::here;
  return Again::on_stable;
}

bool Retry::leaves() {
  const bool wanted = rules_ && rules_->when.timeout && left() && repeatable() && where(false) == Again::on_stable;
  return wanted && (discarded_ = spend());
}

bool Retry::discards(unsigned status) {
  const auto& statuses = rules_->when.statuses;
  if (std::ranges::find(statuses, status) == statuses.end() || !left() || !repeatable()) return false;
  return discarded_ = spend();
}

bool Retry::spend() {
  const bool paid = service_->site->retries->take();
  exhausted_ = !paid;
  return paid;
}

}  // namespace weir::proxy
