#include "proxy/exchange/attempt.h"

#include <cerrno>
#include <chrono>
#include <span>

#include "proxy/net/clock.h"

namespace weir::proxy {

namespace {
/// Most versions have one endpoint: nothing to choose.
uint32_t only_one(const VersionView& version) {
  return version.loads.front() == routing::kUnusable ? routing::kNoEndpoint : 0;
}

bool out_of_descriptors(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

/// Connects that fail for a want of weir's own say nothing of the endpoint.
bool is_ours(int error) { return out_of_descriptors(error) || error == EADDRNOTAVAIL; }

uint32_t pick(const VersionView& version, std::span<const uint32_t> loads, Dice& dice, uint32_t& turn) {
  const config::Balance balance = version.site->balance;
  if (!version.warming) [[likely]]
    return routing::pick(balance, loads, dice.roll(), turn);
  const auto now = std::chrono::duration_cast<routing::HealthTime>(net::monotonic());
  std::vector<double> weights;
  for (const upstream::Weighed& one : version.weighed) {
    weights.push_back(routing::warmth(one.came_back, version.site->slow_start, now));
  }
  return routing::pick_weighted(
      balance, loads, weights, [&dice] { return dice.roll(); }, turn);
}

}  // namespace

http::Fault Attempt::begin(VersionView& version, Dice& dice, net::Waiter& waiter, bool fresh) {
  bool full = false;
  starved_ = false;
  site_ = version.site;
  version.look();
  pool_ = choose(version, dice, full);
  if (!pool_) return full ? http::Fault::over_capacity : http::Fault::no_endpoint;
  endpoint_ = &pool_->endpoint();
  if (!fresh) lease_ = pool_->acquire_idle();
  if (!lease_) {
    int error = 0;
    lease_ = pool_->connect(error);
    if (!lease_ && out_of_descriptors(error)) {  // ours, not the endpoint's
      starved_ = true;
      leave();
      return http::Fault::over_capacity;
    }
    if (!lease_) return connect_failed(error);
  }
  lease_->stream.wake_with(&waiter);
  return http::Fault::none;
}

/// An endpoint with room, entered. Those that are full are passed over.
upstream::Pool* Attempt::choose(VersionView& version, Dice& dice, bool& full) {
  std::vector<uint32_t> refused;  // allocates only where an endpoint is full
  const uint32_t before = tried_;
  for (;;) {
    uint32_t index = pick_but(version, dice, refused, before);
    if (index == routing::kNoEndpoint) index = pick_but(version, dice, refused, routing::kNoEndpoint);
    if (index == routing::kNoEndpoint) return nullptr;
    if (version.pools[index]->enter()) {
      tried_ = index;
      return version.pools[index].get();
    }
    full = true;
    refused.push_back(index);
  }
}

uint32_t Attempt::pick_but(VersionView& version, Dice& dice, const std::vector<uint32_t>& refused, uint32_t tried) {
  const bool any = !refused.empty() || tried != routing::kNoEndpoint;
  if (!any) return version.loads.size() == 1 ? only_one(version) : pick(version, version.loads, dice, version.turn);
  std::vector<uint32_t> loads = version.loads;
  for (const uint32_t index : refused) loads[index] = routing::kUnusable;
  if (tried != routing::kNoEndpoint) loads[tried] = routing::kUnusable;
  uint32_t turn = version.turn;  // another one for the same request is nobody's turn
  return pick(version, loads, dice, turn);
}

net::Io Attempt::connected() {
  const net::Io io = lease_->stream.connected();
  if (io.state == net::IoState::ok) {
    lease_->connecting = false;
    site_->health->reached(pool_->endpoint());
    pool_->count_connect(upstream::ConnectResult::ok);
  }
  return io;
}

http::Fault Attempt::connect_failed(int error) {
  const net::Tls* const tls = lease_ ? lease_->stream.tls() : nullptr;
  if (tls && tls->begun()) return no_tls(*tls, error == ETIMEDOUT);
  const bool refused = error == ECONNREFUSED || error == ENOENT;  // ENOENT: no such unix socket
  const bool timeout = error == ETIMEDOUT;
  pool_->count_connect(refused   ? upstream::ConnectResult::refused
                       : timeout ? upstream::ConnectResult::timeout
                                 : upstream::ConnectResult::error);
  if (!is_ours(error)) site_->health->failed(pool_->endpoint(), site_->outlier.connect, true);
  abandon();
  if (refused) return http::Fault::connection_refused;
  return timeout ? http::Fault::connection_timeout : http::Fault::connection_failed;
}

/// It was connected, and hands were not shaken; `late`: in time.
http::Fault Attempt::no_tls(const net::Tls& tls, bool late) {
  const net::TlsFault why = tls.fault();
  pool_->count_connect(late ? upstream::ConnectResult::timeout : upstream::ConnectResult::tls);
  pool_->tell_tls(late                      ? "the handshake took too long"
                  : tls.complaint().empty() ? "the connection ended"
                                            : tls.complaint());
  site_->health->failed(pool_->endpoint(), site_->outlier.connect, true);
  abandon();
  if (late) return http::Fault::connection_timeout;
  if (why == net::TlsFault::certificate) return http::Fault::tls_certificate;
  return why == net::TlsFault::alert ? http::Fault::tls_alert : http::Fault::tls_protocol;
}

http::Fault Attempt::connect_timed_out() { return connect_failed(ETIMEDOUT); }

void Attempt::answered(unsigned status) {
  upstream::Endpoint& endpoint = pool_->endpoint();
  if (status < 500) return site_->health->served(endpoint);
  if (site_->outlier.status_5xx) return site_->health->failed(endpoint, true, false);
  site_->health->served(endpoint);
}

/// A kept connection that died before it said anything is no sign: endpoints close those as they like.
void Attempt::failed(http::Fault fault, bool got_any) {
  if (!pool_ || http::info(fault).whose != http::Whose::endpoint) return;
  if (fault == http::Fault::connection_terminated && reused() && !got_any) return;
  const bool late = fault == http::Fault::response_timeout || fault == http::Fault::request_not_taken;
  const bool counts = late ? site_->outlier.timeout : site_->outlier.reset;
  if (counts) site_->health->failed(pool_->endpoint(), true, false);
}

void Attempt::give_back() {
  lease_.give_back();
  leave();
}

void Attempt::abandon() {
  lease_.discard();
  leave();
}

void Attempt::leave() {
  if (pool_) std::exchange(pool_, nullptr)->leave();
}

}  // namespace weir::proxy
