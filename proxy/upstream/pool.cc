#include "proxy/upstream/pool.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace weir::upstream {

Connection::Connection(Pool& pool) : net::Deadline(pool.loop_.wheel()), stream(pool.loop_), pool_(pool) {
  pool_.endpoint_->connections[pool_.worker_].add(1);
}

Connection::~Connection() { pool_.endpoint_->connections[pool_.worker_].add(-1); }

void Connection::expire() {
  const std::unique_ptr<Connection> self = pool_.remove_idle(*this);  // closes it, and *this with it
}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this == &other) return *this;
  discard();
  pool_ = std::exchange(other.pool_, nullptr);
  connection_ = std::move(other.connection_);
  return *this;
}

void Lease::give_back() {
  if (!connection_) return;
  Pool& pool = *std::exchange(pool_, nullptr);
  pool.take_back(std::move(connection_));
}

void Lease::discard() {
  if (!connection_) return;
  Pool& pool = *std::exchange(pool_, nullptr);
  connection_.reset();
  pool.end_loan();
}

Pool::Pool(net::Loop& loop, size_t worker, std::shared_ptr<Endpoint> endpoint)
    : loop_(loop), worker_(worker), endpoint_(std::move(endpoint)) {}

Pool::~Pool() { retire(); }

void Pool::configure(const EndpointSite& site, std::chrono::milliseconds idle,
                     std::shared_ptr<metrics::VersionSeries> numbers, uint32_t* load) {
  numbers_ = std::move(numbers);
  if (addresses_ != site.addresses) ++addresses_known_;
  addresses_ = site.addresses;
  idle_time_ = idle;
  max_connections_ = site.max_connections;
  queue_ = site.queue;
  tls_ = site.tls;
  host_ = site.host;
  retired_ = false;
  load_ = load;
  *load_ = addresses_.empty() ? routing::kUnusable : active_;
  for (net::Link* link = idle_.next; link != &idle_;) {
    net::Link& connection = *std::exchange(link, link->next);
    if (!serves(static_cast<Connection&>(connection))) remove_idle(connection);
  }
}

void Pool::retire() {
  retired_ = true;
  load_ = nullptr;
  while (!idle_.alone()) remove_idle(*idle_.next);
}

bool Pool::enter() {
  if (max_connections_ > 0) {
    // Never more than the limit, not even for a moment: who waits must not be refused a place that is free.
    uint64_t in_use = endpoint_->in_use.load();
    do {
      if (in_use >= max_connections_) return false;
    } while (!endpoint_->in_use.compare_exchange_weak(in_use, in_use + 1));
    ++entered_shared_;
  }
  ++active_;
  if (load_ && *load_ != routing::kUnusable) *load_ = active_;
  if (auto* numbers = shard()) numbers->connections_active.add(1);
  return true;
}

uint64_t Pool::room() const {
  if (max_connections_ == 0) return ~uint32_t{0};
  return max_connections_ - std::min(max_connections_, endpoint_->in_use.load());
}

void Pool::leave() {
  // Who entered while there was no limit is not counted in the endpoint; those who are leave first.
  if (entered_shared_ > 0) {
    --entered_shared_;
    endpoint_->in_use.fetch_sub(1);
    if (queue_) queue_->place_freed();
  }
  --active_;
  if (load_ && *load_ != routing::kUnusable) *load_ = active_;
  if (auto* numbers = shard()) numbers->connections_active.add(-1);
}

Lease Pool::acquire_idle() {
  while (!idle_.alone()) {
    std::unique_ptr<Connection> connection = remove_idle(*idle_.previous);
    // An end, or bytes that nobody asked for, have been noted: not this one.
    if (connection->stream.stirred() || connection->stream.broken()) continue;
    ++lent_;
    connection->reused = true;
    return {*this, std::move(connection)};
  }
  return {};
}

Lease Pool::connect(int& error) {
  error = EADDRNOTAVAIL;
  if (addresses_.empty()) return {};
  auto connection = std::make_unique<Connection>(*this);
  connection->address_ = addresses_[next_address_++ % addresses_.size()];
  connection->addresses_known_ = addresses_known_;
  connection->connecting = true;
  if (!connection->stream.connect(connection->address_)) {
    error = errno;
    return {};
  }
  if (tls_) connection->stream.ask_tls(tls_, host_, tls_memory_);
  ++lent_;
  return {*this, std::move(connection)};
}

void Pool::tell_tls(const std::string& complaint) {
  constexpr net::Millis kOnceIn{10'000};
  if (tls_told_ != net::Millis{} && loop_.now() - tls_told_ < kOnceIn) return;
  tls_told_ = loop_.now();
  spdlog::warn("{} {}: no TLS with {}: {}", endpoint_->service, endpoint_->version, endpoint_->name, complaint);
}

void Pool::count_connect(ConnectResult result) {
  if (auto* numbers = shard()) numbers->connects[static_cast<size_t>(result)].add();
}

/// Is it still connected to one of the addresses, and in the way that is configured now?
bool Pool::serves(const Connection& connection) const {
  const net::Tls* const tls = connection.stream.tls();
  if ((tls ? tls->client() : nullptr) != tls_.get()) return false;
  return connection.addresses_known_ == addresses_known_ ||
         std::ranges::find(addresses_, connection.address_) != addresses_.end();
}

void Pool::take_back(std::unique_ptr<Connection> connection) {
  end_loan();
  if (retired_ || crowded() || !connection->stream.quiet() || !serves(*connection)) return;
  connection->stream.wake_with(nullptr);
  connection->set(loop_.now() + idle_time_);
  connection.release()->join_before(idle_);
  if (auto* numbers = shard()) numbers->connections_idle.add(1);
}

void Pool::end_loan() { --lent_; }

std::unique_ptr<Connection> Pool::remove_idle(net::Link& link) {
  std::unique_ptr<Connection> connection(&static_cast<Connection&>(link));
  connection->leave();
  connection->clear();
  if (auto* numbers = shard()) numbers->connections_idle.add(-1);
  return connection;
}

/// Over all workers more connections are open than the endpoint shall have: this one is not kept.
bool Pool::crowded() const {
  if (max_connections_ == 0) return false;
  int64_t open = 0;
  for (const metrics::Gauge& worker : endpoint_->connections) open += worker.value();
  return open > static_cast<int64_t>(max_connections_);
}

}  // namespace weir::upstream
