// Kept-alive connections of one worker to one endpoint, and their lending.
//
// An idle connection's events are only noted on its stream: whoever takes it, or the clock that
// closes it, looks at them first. Worker's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "proxy/metrics/shard.h"
#include "proxy/net/loop.h"
#include "proxy/net/stream.h"
#include "proxy/upstream/endpoint.h"
#include "proxy/upstream/queue.h"
#include "routing/balance.h"

namespace weir::upstream {

class Pool;

/// Index into the names of `weir_upstream_connects_total{result}`.
enum class ConnectResult : uint8_t { ok, refused, timeout, error, tls };
inline constexpr size_t kConnectResults = 5;

/// One connection to an endpoint; in the pool while idle, lent while an exchange uses it.
class Connection final : private net::Deadline, private net::Link {
 public:
  explicit Connection(Pool& pool);
  ~Connection();

  net::Stream stream;
  bool reused = false;  // has carried an exchange before
  bool connecting = false;

 private:
  friend class Pool;
  friend class Lease;
  void expire() override;  // idle for too long

  Pool& pool_;
  net::SocketAddress address_;
  uint32_t addresses_known_ = 0;  // the pool's `addresses_known_` when `address_` was last found among them
};

/// A connection on loan: given back, or closed, exactly once.
class Lease {
 public:
  Lease() = default;
  Lease(Pool& pool, std::unique_ptr<Connection> connection) : pool_(&pool), connection_(std::move(connection)) {}
  Lease(Lease&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), connection_(std::move(other.connection_)) {}
  Lease& operator=(Lease&& other) noexcept;
  ~Lease() { discard(); }

  explicit operator bool() const { return connection_ != nullptr; }
  Connection& operator*() const { return *connection_; }
  Connection* operator->() const { return connection_.get(); }
  Pool& pool() const { return *pool_; }

  /// For the next exchange; only after a complete exchange with nothing left over.
  void give_back();
  /// Closes it: after any doubt.
  void discard();

 private:
  Pool* pool_ = nullptr;
  std::unique_ptr<Connection> connection_;
};

class Pool {
 public:
  Pool(net::Loop& loop, size_t worker, std::shared_ptr<Endpoint> endpoint);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// What a publication says of this endpoint; `load` is kept at the number of exchanges under way
  /// (routing::kUnusable while there is no address).
  void configure(const EndpointSite& site, std::chrono::milliseconds idle,
                 std::shared_ptr<metrics::VersionSeries> numbers, uint32_t* load);
  /// Its health says whether requests go to it; `load` is that of whoever asks.
  void use(uint32_t& load, bool used) const { load = used && !addresses_.empty() ? active_ : routing::kUnusable; }
  /// No publication knows the endpoint any more: idle connections close, lent ones when they end.
  void retire();

  /// Takes a place among `max_connections`; false: it is full. Each `enter` is left once.
  bool enter();
  void leave();
  /// How many places are free; without a limit, more than anybody waits for.
  uint64_t room() const;

  /// A kept connection that looks alive; none: an empty lease.
  Lease acquire_idle();
  /// A new one, connecting; an empty lease when it failed at once (`error` is errno).
  Lease connect(int& error);

  Endpoint& endpoint() const { return *endpoint_; }
  bool retired() const { return retired_; }
  bool unused() const { return active_ == 0 && lent_ == 0 && idle_.alone(); }
  void count_connect(ConnectResult result);
  /// Why a TLS handshake failed, into the log; at most once in a while.
  void tell_tls(const std::string& complaint);

 private:
  friend class Connection;
  friend class Lease;
  void take_back(std::unique_ptr<Connection> connection);
  void end_loan();
  std::unique_ptr<Connection> remove_idle(net::Link& link);
  bool crowded() const;
  bool serves(const Connection& connection) const;
  metrics::VersionNumbers* shard() { return numbers_ ? &numbers_->shard(worker_) : nullptr; }

  net::Loop& loop_;
  const size_t worker_;
  const std::shared_ptr<Endpoint> endpoint_;
  std::shared_ptr<metrics::VersionSeries> numbers_;
  std::vector<net::SocketAddress> addresses_;
  std::chrono::milliseconds idle_time_{};
  uint64_t max_connections_ = 0;
  std::shared_ptr<Queue> queue_;
  std::string host_;
  std::shared_ptr<const net::TlsClient> tls_;
  net::TlsMemory tls_memory_;
  net::Millis tls_told_{};
  uint32_t* load_ = nullptr;
  uint32_t active_ = 0;          // exchanges that entered
  uint32_t entered_shared_ = 0;  // of these, counted in the endpoint
  uint32_t lent_ = 0;
  uint32_t next_address_ = 0;
  uint32_t addresses_known_ = 0;  // grows when they change
  bool retired_ = true;
  net::Link idle_;  // a ring of connections it owns; the last one was used last
};

}  // namespace weir::upstream
