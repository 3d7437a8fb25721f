// The accept loop of one worker on one address.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "proxy/net/address.h"
#include "proxy/net/loop.h"
#include "proxy/publication.h"
#include "proxy/worker.h"

namespace weir::proxy {

/// Index into the names of `weir_connections_rejected_total{reason}`.
enum class RejectReason : uint8_t { limit, proxy_protocol, descriptors };
inline constexpr std::array<const char*, 3> kRejectReasons{"limit", "proxy_protocol", "descriptors"};

/// A listening socket of one worker: its own (SO_REUSEPORT), or one that all workers share.
struct ListenSocket {
  int fd = -1;
  bool shared = false;
};

/// An accepted connection on its way to another worker.
struct Accepted {
  uint64_t listener = 0;
  int fd = -1;
  std::optional<config::IpAddress> peer;
};

/// What the workers' listeners have in common. Outlives them; any thread.
struct Doorstep {
  std::atomic<uint64_t> connections{0};          // open, over all workers and listeners
  /// Takes a connection to a worker that has fewer; set before the workers start.
  std::function<void(size_t worker, Accepted accepted)> hand_over;
};

class Listener final : public net::Source {
 public:
  Listener(Worker& worker, Doorstep& doorstep, std::shared_ptr<const ListenerSite> site, ListenSocket socket);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  const std::shared_ptr<const ListenerSite>& site() const { return site_; }
  void update(std::shared_ptr<const ListenerSite> site) { site_ = std::move(site); }

  /// Accepts what waits, then listens no more; idle sessions end, busy ones when they are done.
  void close();
  bool closed() const { return socket_.fd < 0; }
  bool unused() const { return sessions_.alone(); }
  /// Idle sessions look whether there is a reason to end.
  void wake_sessions();
  /// Ends every session at once.
  void end_sessions();
  /// Once a tick: listens again after descriptors had run out.
  void tick();

  void adopt(int fd, std::optional<config::IpAddress> peer);
  void count_rejected(RejectReason reason);

  void on_events(uint32_t events) override;

 private:
  friend class Session;
  net::Link& sessions() { return sessions_; }
  void session_begins();
  void session_ends();
  bool accept_one();
  std::optional<size_t> less_busy_worker() const;
  metrics::ListenerNumbers& numbers() { return site_->numbers->shard(worker_.index()); }
  void pause();

  static constexpr int kAcceptsATurn = 64;

  Worker& worker_;
  Doorstep& doorstep_;
  std::shared_ptr<const ListenerSite> site_;
  ListenSocket socket_;
  net::Link sessions_;
  bool paused_ = false;
};

}  // namespace weir::proxy
