// The client's side of an exchange, lent by its session for as long as the exchange takes.
#pragma once

#include <span>
#include <string_view>

#include "config/config.h"
#include "proxy/net/bytes.h"
#include "proxy/net/stream.h"
#include "proxy/publication.h"

namespace weir::proxy {

/// A session's deadline: wakes its coroutine, which then finds `expired`.
class Patience final : public net::Deadline {
 public:
  explicit Patience(net::Waiter& waiter) : net::Deadline(waiter.loop().wheel()), waiter_(waiter) {}

  void limit(std::chrono::milliseconds time) {
    expired_ = false;
    running_ = true;
    set(waiter_.loop().now() + time);
  }
  void stop() {
    expired_ = running_ = false;
    clear();
  }
  bool running() const { return running_; }
  bool expired() const { return expired_; }

 private:
  void expire() override {
    expired_ = true;
    waiter_.wake();
  }

  bool expired_ = false;  // these two fit in behind what a Deadline holds
  bool running_ = false;
  net::Waiter& waiter_;
};

/// Room for any address as text.
inline constexpr size_t kAddressText = 48;
using AddressText = std::span<char, kAddressText>;

/// An address as canonical text, written into `buffer`: without a string, for the request's path.
std::string_view address_text(const config::IpAddress& address, AddressText buffer);

struct Client {
  net::Stream& stream;
  net::Waiter& waiter;
  Patience& patience;
  net::Bytes& input;  // bytes that were read and not used yet
  const ListenerSite& listener;
  config::IpAddress peer{};   // who is connected (by PROXY protocol, if that was accepted)
  bool has_peer = false;      // not over a unix socket
  bool trusted = false;       // is the peer one of trusted_proxies
  bool last_request = false;  // the listener is gone: the connection ends after this one

  /// Does the client speak TLS with weir?
  bool https() const { return stream.tls() != nullptr; }
  /// What the client has shown; null: nothing.
  const net::PeerCertificate* certificate() const { return https() ? stream.tls()->peer() : nullptr; }
  /// Are endpoints told what it has shown?
  bool tells_certificate() const {
    return https() && listener.config.tls && listener.config.tls->forward_client_certificate;
  }
  /// The line of Strict-Transport-Security for this client's answers; empty: none.
  std::string_view hsts() const { return https() ? std::string_view(listener.hsts) : std::string_view{}; }

  /// The peer's address as text, written into `buffer`; empty without one.
  std::string_view peer_text(AddressText buffer) const { return has_peer ? address_text(peer, buffer) : ""; }
};

}  // namespace weir::proxy
