#include "proxy/exchange/exchange.h"

#include "proxy/exchange/course.h"

namespace weir::proxy {

namespace {

constexpr unsigned kRetryAfter = 1;  // seconds, with 503
constexpr uint64_t kLargestRating = 8 * 1024;

}  // namespace

void Exchange::begin(http::RequestHead& head, const Behind& behind) {
  client_.patience.stop();
  response_.emplace(worker_, client_, record_, view_->config().limits.response_head);
  const Admission admission = admit(worker_, client_, *view_, head);
  to_head_ = head.method == "HEAD";
  client_is_10_ = head.minor == 0;
  client_keeps_ = !client_.last_request && (client_is_10_ ? admission.options.keep_alive : !admission.options.close);
  record_.note_request(head, admission.target);
  if (admission.service) {
    record_.note_client(admission.client_ip);
    if (!admission.rating) record_.decided(*admission.service, admission.decision);
  }

  const uint64_t body_limit = admission.rating ? kLargestRating : view_->config().limits.request_body;
  request_.emplace(worker_, client_, record_, admission.framing, body_limit);
  const bool own = admission.readiness || admission.last_hop || admission.redirect || admission.rating;
  const bool goes_on = admission.fault == http::Fault::none && !own;
  if (goes_on) return forward(head, behind, admission);
  // But of a rating the body is not wanted: what came of it is dropped, and the rest closes the connection.
  keep_behind(behind, request_->take_body(behind.bytes));
  if (admission.rating) return begin_rating(head, admission);
  if (admission.readiness) return answer_readiness();
  if (admission.last_hop) return answer_options();
  if (admission.redirect) return answer_redirect(admission.target);
  settle(admission.fault);
}

/// Writes the head for the endpoint, with what came of the body.
void Exchange::forward(http::RequestHead& head, const Behind& behind, const Admission& admission) {
  service_ = admission.service;
  version_ = &service_->versions[admission.decision.version];
  retry_.begin(*service_, admission.decision.version, head.method);
  if (retry_.judges()) response_->judge_by(retry_);
  const std::string_view upgrade = http::upgrade_asked(head, admission.framing, admission.options);
  std::array<char, 32> id;
  worker_.dice().request_id(id);
  const bool believed_id = client_.trusted && head.fields.has(http::FieldId::x_request_id);
  const std::string_view request_id =
      believed_id ? head.fields.value(http::FieldId::x_request_id) : std::string_view(id.data(), id.size());
  record_.note_request_id(request_id);

  char peer[kAddressText];
  const bool tells = client_.tells_certificate();
  const http::ClientFacts facts{.peer = client_.peer_text(peer),
                                .scheme = client_.https() ? "https" : "http",
                                .fallback_host = client_.listener.fallback_host,
                                .request_id = request_id,
                                .trusted = client_.trusted,
                                .tells_certificate = tells,
                                .certificate = tells ? client_.stream.tls()->client_cert_field() : ""};
  const http::RequestPlan plan{head, admission.target, admission.framing, upgrade};
  http::write_request_head(request_->head(), plan, facts);
  lines_ = mint_line(client_, head, admission);
  mint_size_ = lines_.size();
  lines_ += revealed_lines(client_, *service_, admission.decision);
  response_->add_lines(lines_, admission.decision.mint);
  upgrade_ = upgrade;
  response_->expect({.head = to_head_, .upgrade = upgrade_, .keep_alive = client_keeps_, .minor = head.minor});
  keep_behind(behind, request_->take_body(behind.bytes));  // the head's bytes may be gone from here on
  if (request_->fault() != http::Fault::none) settle(request_->fault());
}

/// Bytes behind the request stay for the next one, or for the rest of the body.
void Exchange::keep_behind(const Behind& behind, size_t used) {
  if (behind.in_worker) {
    client_.input.append(behind.bytes.substr(used));
  } else {
    client_.input.consume(behind.head_size + used);
  }
}

void Exchange::refuse(http::Fault fault) {
  response_.emplace(worker_, client_, record_, 0);
  settle(fault);
}

bool Exchange::relaying() {
  if (settled_ || !attempt_.active()) return false;
  request_->pump(attempt_.stream());
  response_->pump(attempt_.stream(), request_->body_done());
  if (response_->finished()) {
    complete();
  } else if (response_->upgraded() && !response_->waits_for_client()) {
    return false;
  } else if (request_->fault() != http::Fault::none) {
    settle(request_->fault());
  } else if (response_->fault() == http::Fault::client_gone || request_->client_ended() || client_.stream.broken()) {
    settle(http::Fault::client_gone);
  } else if (response_->fault() != http::Fault::none) {
    fail_try(response_->fault());
  } else if (client_.patience.expired()) {
    time_is_up();
  } else if (may_leave()) {
    fail_try(http::Fault::response_timeout);
  } else {
    be_patient();
    return true;
  }
  return false;
}

/// It waits for a candidate that was closed meanwhile, and stable may be asked instead.
bool Exchange::may_leave() {
  if (!version_->site->under_way->closed.load(std::memory_order_relaxed)) [[likely]]
    return false;
  const bool waits = request_->sent() && !response_->got_any() && response_->interims() == 0;
  if (!waits || std::exchange(asked_to_leave_, true)) return false;
  const bool leaves = retry_.leaves();
  if (retry_.exhausted()) record_.retry_refused();
  return leaves;
}

/// The response went out whole.
void Exchange::complete() {
  settled_ = true;
  attempt_.answered(response_->status());
  if (response_->reusable() && request_->sent()) {
    attempt_.give_back();
  } else {
    attempt_.abandon();
  }
  outcome_.next = after_answer();
}

Outcome::Next Exchange::after_answer() const {
  const bool request_read = request_ && request_->body_done();
  if (response_->keeps_client() && request_read) return Outcome::Next::another_request;
  return request_read ? Outcome::Next::close : Outcome::Next::linger;
}

/// Time-outs run between two bytes, and anew in each phase.
void Exchange::be_patient() {
  const bool request_moved = request_->moved();
  const bool moved = response_->moved() || request_moved;
  const Phase phase = response_->in_body() || response_->waits_for_client() ? Phase::response_body
                      : request_->sent() || request_->broken()              ? Phase::response_head
                                                                            : Phase::request;
  // A head that trickles in is late all the same; only an interim response says that more will come.
  const bool interim = std::exchange(interims_, response_->interims()) != response_->interims();
  const bool anew = phase == Phase::response_head ? interim : moved;
  if (phase == patient_in_ && !anew) return;
  patient_in_ = phase;
  client_.patience.limit(phase == Phase::request         ? view_->config().timeouts.request_body
                         : phase == Phase::response_head ? timeouts().response_head
                                                         : timeouts().response_body);
}

void Exchange::time_is_up() {
  http::Fault fault = http::Fault::response_timeout;
  if (patient_in_ == Phase::request) {
    fault = request_->waits_for_endpoint() ? http::Fault::request_not_taken : http::Fault::body_timeout;
  } else if (response_->waits_for_client()) {
    fault = http::Fault::client_gone;
  }
  if (http::info(fault).whose == http::Whose::endpoint) return fail_try(fault);
  record_.try_failed(fault);
  settle(fault);
}

/// Nothing more is tried. What the client gets: the rest of nothing, an answer of weir's own, or,
/// where a response has begun, a connection that visibly breaks.
void Exchange::settle(http::Fault fault) {
  settled_ = true;
  if (retry_.exhausted()) record_.retry_refused();
  record_.fault(fault);
  attempt_.abandon();
  const unsigned status = http::info(fault).status;
  if (status == 0 || response_->began()) {
    record_.count(response_->status());
    response_->out().clear();
    outcome_.next = Outcome::Next::abort;
    return;
  }
  answer(fault, status, fault == http::Fault::plain_text ? "400 Bad Request: this port speaks HTTPS\n" : "");
}

void Exchange::answer(http::Fault fault, unsigned status, std::string_view body, std::string lines) {
  // After a fault of the client's nobody knows where its next request would begin.
  const bool readable_on = request_ && request_->body_done() && http::info(fault).whose != http::Whose::client;
  const bool keep = readable_on && client_keeps_ && !worker_.draining();
  record_.count(status);
  client_.patience.limit(view_->config().timeouts.response_body);
  lines += client_.hsts();
  http::write_own_answer(response_->out(), {.fault = fault,
                                            .status = status,
                                            .body = body,
                                            .date = worker_.date(),
                                            .close = !keep,
                                            .say_keep_alive = client_is_10_,
                                            .to_head = to_head_,
                                            .allow = methods_,
                                            .retry_after = status == 503 ? kRetryAfter : 0,
                                            .extra = lines});
  outcome_.next = keep ? Outcome::Next::another_request : Outcome::Next::linger;
}

void Exchange::answer_readiness() {
  settled_ = true;
  record_.uncounted();
  if (worker_.draining()) return answer(http::Fault::none, 503, "draining\n");
  answer(http::Fault::none, 200, "ready\n");
}

/// An OPTIONS whose last hop is weir: what it passes on.
void Exchange::answer_options() {
  settled_ = true;
  methods_ = http::kMethods;
  answer(http::Fault::none, 200, {});
}

void Exchange::answer_redirect(const http::Target& target) {
  std::string location = location_line(client_, target);
  if (location.empty()) return settle(http::Fault::malformed_request);
  settled_ = true;
  answer(http::Fault::none, 308, {}, std::move(location));
}

bool Exchange::answering() {
  if (outcome_.next == Outcome::Next::abort || response_->out().empty()) return false;
  if (response_->flush()) return false;
  const bool gone = response_->fault() == http::Fault::client_gone || client_.stream.broken();
  const bool lost = gone || client_.patience.expired();
  if (lost) outcome_.next = Outcome::Next::abort;
  return !lost;
}

bool Exchange::tunnelling() {
  if (!response_->upgraded() || settled_) return false;
  if (!tunnel_) {
    tunnel_.emplace(worker_, client_, attempt_.stream(), std::exchange(response_->out(), {}),
                    std::exchange(client_.input, {}));
    tunnels_ended_ = version_->site->under_way->tunnels_ended.load(std::memory_order_relaxed);
    client_.patience.limit(view_->config().timeouts.tunnel_idle);
  }
  tunnel_->pump();
  const bool to_end = version_->site->under_way->tunnels_ended.load(std::memory_order_relaxed) != tunnels_ended_;
  if (tunnel_->over() || to_end || client_.patience.expired()) {
    settled_ = true;
    if (tunnel_->broken()) attempt_.stream().abort();  // so that neither side takes what it got for the whole
    attempt_.abandon();
    outcome_.next = tunnel_->broken() ? Outcome::Next::abort : Outcome::Next::close;
    return false;
  }
  if (tunnel_->moved()) client_.patience.limit(view_->config().timeouts.tunnel_idle);
  return true;
}

net::Task<Outcome> serve_request(Worker& worker, Client& client, http::RequestHead& head, Behind behind,
                                 net::Nanos began) {
  Exchange exchange(worker, client, began);
  exchange.begin(head, behind);
  while (exchange.hearing()) co_await exchange.event();
  while (exchange.begin_try()) {
    while (exchange.queueing()) co_await exchange.event();
    while (exchange.connecting()) co_await exchange.event();
    while (exchange.relaying()) co_await exchange.event();
    if (exchange.tunnelling()) break;
  }
  while (exchange.tunnelling()) co_await exchange.event();
  while (exchange.answering()) co_await exchange.event();
  co_return exchange.outcome();
}

net::Task<Outcome> refuse_request(Worker& worker, Client& client, http::Fault fault, net::Nanos began) {
  Exchange exchange(worker, client, began);
  exchange.refuse(fault);
  while (exchange.answering()) co_await exchange.event();
  co_return exchange.outcome();
}

}  // namespace weir::proxy
