// What a session knows of the listener it came through: its configuration, whether it still stands,
// and the ring of its sessions. Worker's thread.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "proxy/net/loop.h"
#include "proxy/publication.h"
#include "proxy/worker.h"

namespace weir::proxy {

/// Index into the names of `weir_connections_rejected_total{reason}`.
enum class RejectReason : uint8_t { limit, proxy_protocol, descriptors };
inline constexpr std::array<const char*, 3> kRejectReasons{"limit", "proxy_protocol", "descriptors"};

/// Index into the names of `weir_tls_handshakes_total{result}`.
enum class HandshakeResult : uint8_t {
  full,
  resumed,
  plain_text,
  certificate,
  alert,
  protocol,
  gone,
  timeout,
  dropped
};
inline constexpr std::array<const char*, 9> kHandshakeResults{
    "full", "resumed", "plain_text", "certificate", "alert", "protocol", "gone", "timeout", "dropped"};

/// An accepted connection on its way to another worker.
struct Accepted {
  uint64_t listener = 0;
  int fd = -1;
  std::optional<config::IpAddress> peer;
  std::shared_ptr<metrics::ListenerSeries> counted_in;  // as arriving, until its worker has it
};

/// What the entrances of all workers have in common. Outlives them; any thread.
struct Doorstep {
  std::atomic<uint64_t> connections{0};  // open, over all workers and listeners
  /// Takes a connection to a worker that has fewer; set before the workers start.
  std::function<void(size_t worker, Accepted accepted)> hand_over;
};

class Entrance {
 public:
  Entrance(Worker& worker, Doorstep& doorstep, std::shared_ptr<const ListenerSite> site)
      : worker_(worker), doorstep_(doorstep), site_(std::move(site)) {}
  Entrance(const Entrance&) = delete;
  Entrance& operator=(const Entrance&) = delete;

  Worker& worker() { return worker_; }
  const std::shared_ptr<const ListenerSite>& site() const { return site_; }
  void update(std::shared_ptr<const ListenerSite> site) { site_ = std::move(site); }

  /// Its listener is gone: idle sessions end, and the others when they are done.
  bool closed() const { return closed_; }
  void close() { closed_ = idle_ends_ = true; }
  /// Idle sessions end.
  bool idle_ends() const { return idle_ends_; }
  void end_idle() { idle_ends_ = true; }

  net::Link& sessions() { return sessions_; }
  /// Counts a session in; where it has to be counted out, whatever the listener is called by then.
  std::shared_ptr<metrics::ListenerSeries> session_begins() {
    count(*site_->numbers, 1);
    numbers().connections_total.add();
    return site_->numbers;
  }
  void session_ends(metrics::ListenerSeries& counted_in) { count(counted_in, -1); }
  bool full() const {
    const uint64_t limit = worker_.view()->config().limits.connections;
    return limit > 0 && doorstep_.connections.load(std::memory_order_relaxed) >= limit;
  }
  void count_handshake(HandshakeResult result, int version) {
    numbers().handshakes[static_cast<size_t>(result)][version == 0 ? 0 : static_cast<size_t>(version - 11)].add();
  }
  /// How many handshakes may be under way on this worker; 0: any number.
  uint64_t most_handshakes() const {
    const uint64_t limit = worker_.view()->config().limits.handshakes;
    return limit == 0 ? 0 : std::max<uint64_t>(1, limit / site_->numbers->shards().size());
  }
  void count_rejected(RejectReason reason) { numbers().connections_rejected[static_cast<size_t>(reason)].add(); }

 private:
  metrics::ListenerNumbers& numbers() { return site_->numbers->shard(worker_.index()); }
  void count(metrics::ListenerSeries& series, int change) {
    doorstep_.connections.fetch_add(static_cast<uint64_t>(change), std::memory_order_relaxed);
    series.shard(worker_.index()).connections.add(change);
  }

  Worker& worker_;
  Doorstep& doorstep_;
  std::shared_ptr<const ListenerSite> site_;
  net::Link sessions_;
  bool closed_ = false;
  bool idle_ends_ = false;
};

}  // namespace weir::proxy
