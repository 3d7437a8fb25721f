// The accept loop of one worker on one address.
#pragma once

#include <memory>
#include <optional>

#include "proxy/entrance.h"
#include "proxy/net/loop.h"

namespace weir::proxy {

/// A listening socket of one worker: its own (SO_REUSEPORT), or one that all workers share.
struct ListenSocket {
  int fd = -1;
  bool shared = false;
};

class Listener final : public net::Source {
 public:
  Listener(Worker& worker, Doorstep& doorstep, std::shared_ptr<const ListenerSite> site, ListenSocket socket);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void update(std::shared_ptr<const ListenerSite> site);

  /// Accepts what waits, then listens no more; sessions go on.
  void stop_accepting();
  /// The same; idle sessions end, busy ones when they are done.
  void close();
  bool closed() const { return socket_.fd < 0; }
  bool unused() { return entrance_.sessions().alone(); }
  /// Idle sessions end; who still connects gets a moment.
  void end_idle();
  /// Idle sessions look whether there is a reason to end.
  void wake_sessions();
  /// Once a tick: listens again after descriptors had run out.
  void tick();

  void adopt(int fd, std::optional<config::IpAddress> peer);

  void on_events(uint32_t events) override;

 private:
  bool accept_one();
  std::optional<size_t> less_busy_worker() const;
  void pause();

  static constexpr int kAcceptsATurn = 64;

  Worker& worker_;
  Doorstep& doorstep_;
  Entrance entrance_;
  ListenSocket socket_;
  bool paused_ = false;
  bool closing_ = false;
};

}  // namespace weir::proxy
