// One try at an endpoint: choosing it, connecting or taking a kept connection, giving it back.
#pragma once

#include <cstdint>
#include <vector>

#include "proxy/http/fault.h"
#include "proxy/upstream/pool.h"
#include "proxy/worker.h"
#include "routing/balance.h"

namespace weir::proxy {

class Attempt {
 public:
  Attempt() = default;
  ~Attempt() { abandon(); }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  /// Chooses an endpoint, not the one tried before if there is another, and takes a connection to
  /// it: a kept one unless `fresh`. Fault::none, or why there is none.
  http::Fault begin(VersionView& version, Dice& dice, net::Waiter& waiter, bool fresh);

  /// again: still connecting; ok: ready for the request; error: with errno.
  net::Io connected();
  /// The connect ended without success; which fault that is.
  http::Fault connect_failed(int error);
  http::Fault connect_timed_out();

  /// The last one had room and no descriptor was left to connect with.
  bool starved() const { return starved_; }

  bool active() const { return static_cast<bool>(lease_); }
  bool connecting() const { return lease_ && lease_->connecting; }
  bool reused() const { return lease_->reused; }
  net::Stream& stream() { return lease_->stream; }
  /// The one chosen last.
  const upstream::Endpoint& endpoint() const { return *endpoint_; }

  /// What came of the try, for the endpoint's health: it answered with this status, …
  void answered(unsigned status);
  /// … or failed after it was connected.
  void failed(http::Fault fault, bool got_any);

  /// The next try is at another version.
  void elsewhere() { tried_ = routing::kNoEndpoint; }

  /// The exchange is over and nothing is in doubt: the connection serves the next one.
  void give_back();
  /// Closes the connection.
  void abandon();

 private:
  upstream::Pool* choose(VersionView& version, Dice& dice, bool& full);
  uint32_t pick_but(VersionView& version, Dice& dice, const std::vector<uint32_t>& refused, uint32_t tried);
  void leave();
  http::Fault no_tls(const net::Tls& tls, bool late);

  const VersionSite* site_ = nullptr;
  upstream::Pool* pool_ = nullptr;  // entered
  const upstream::Endpoint* endpoint_ = nullptr;
  upstream::Lease lease_;
  uint32_t tried_ = routing::kNoEndpoint;
  bool starved_ = false;
};

}  // namespace weir::proxy
