// The tries of an exchange: an endpoint for each, waiting for one with room, and who may try again where.
#include "proxy/exchange/course.h"

namespace weir::proxy {

bool Exchange::begin_try() {
  if (settled_) return false;
  const bool again = record_.tries() > 0;
  if (again) {
    request_->rewind();
    response_->forget_try();
  }
  retry_.next_try(*request_);
  const VersionSite& site = *version_->site;
  const bool behind_others = site.queue_timeout.count() > 0 && site.queue->crowded();
  const http::Fault fault = behind_others ? http::Fault::over_capacity : take_endpoint();
  if (fault == http::Fault::over_capacity && site.queue_timeout.count() > 0) {
    ticket_.emplace(*site.queue, worker_.loop(), client_.waiter);
    client_.patience.limit(site.queue_timeout);
    stand_in_line();
    if (!ticket_) client_.patience.stop();
  }
  if (!ticket_) start_try(fault);
  return true;
}

http::Fault Exchange::take_endpoint() {
  return attempt_.begin(*version_, worker_.dice(), client_.waiter, record_.tries() > 0);
}

/// Joins the queue, or joins it again; drops the ticket if there is no room in it. A place may have become free
/// meanwhile: it goes to whoever is the first.
void Exchange::stand_in_line() {
  if (!ticket_->join()) return ticket_.reset();
  if (!attempt_.starved()) version_->call_waiting();
}

/// Until an endpoint has room, or it took too long.
bool Exchange::queueing() {
  if (!ticket_) return false;
  http::Fault fault = http::Fault::over_capacity;
  if (client_.stream.broken()) {
    fault = http::Fault::client_gone;
  } else if (!client_.patience.expired()) {
    if (!ticket_->called()) return true;
    fault = take_endpoint();
    if (fault == http::Fault::over_capacity) {
      stand_in_line();
      if (ticket_) return true;
    } else if (fault != http::Fault::no_endpoint) {
      ticket_->used();
      version_->call_waiting();
    }
  }
  ticket_.reset();
  client_.patience.stop();
  if (fault == http::Fault::client_gone) {
    settle(fault);
  } else {
    start_try(fault);
  }
  return false;
}

/// With the endpoint that was taken, or without one.
void Exchange::start_try(http::Fault fault) {
  patient_in_ = Phase::none;
  if (fault == http::Fault::none) {
    record_.try_begins(attempt_.endpoint());
    if (attempt_.connecting()) client_.patience.limit(timeouts().connect);
  } else if (http::info(fault).whose == http::Whose::endpoint) {
    record_.try_begins(attempt_.endpoint());
    fail_try(fault);
  } else {
    const Again elsewhere = retry_.without_endpoint();
    record_.try_failed(fault);
    record_.retried(false);
    go_on(elsewhere, fault);
  }
}

bool Exchange::connecting() {
  if (!attempt_.connecting()) return false;
  const net::Io io = attempt_.connected();
  if (io.state == net::IoState::ok) {
    client_.patience.stop();
    return false;
  }
  if (io.state == net::IoState::error) {
    fail_try(attempt_.connect_failed(io.error));
  } else if (client_.stream.broken()) {
    settle(http::Fault::client_gone);
  } else if (client_.patience.expired()) {
    fail_try(attempt_.connect_timed_out());
  } else {
    return true;
  }
  return false;
}

/// A try failed: counts it, and settles unless another one is made.
void Exchange::fail_try(http::Fault fault) {
  const bool connected = attempt_.active() && !attempt_.connecting();
  const bool began = response_->began() || response_->interims() > 0;
  const Again again = retry_.after({.fault = fault,
                                    .connected = connected,
                                    .reused = connected && attempt_.reused(),
                                    .got_any = response_->got_any(),
                                    .began = began});
  record_.try_failed(fault);
  record_.retried(false);
  if (fault == http::Fault::answer_discarded) {
    attempt_.answered(response_->discarded());
  } else {
    attempt_.failed(fault, response_->got_any());
  }
  attempt_.abandon();
  go_on(again, fault);
}

void Exchange::go_on(Again again, http::Fault fault) {
  if (again == Again::no) return settle(fault);
  record_.tries_again();
  if (again == Again::on_stable) move_to_stable();
}

/// The candidate failed it, and nothing of that has been seen.
void Exchange::move_to_stable() {
  const uint32_t stable = service_->plan->stable;
  version_ = &service_->versions[stable];
  retry_.moved(stable);
  attempt_.elsewhere();
  record_.moved_to(stable);
  lines_.resize(mint_size_);
  lines_ += revealed_lines(client_, *service_, record_.decision());
  response_->add_lines(lines_, mint_size_ > 0);
}

}  // namespace weir::proxy
