// After 101: bytes both ways, unchanged, each direction ending by itself (RFC 9110 §7.8).
#pragma once

#include "proxy/exchange/client.h"
#include "proxy/worker.h"

namespace weir::proxy {

class Tunnel {
 public:
  /// `to_client`, `to_endpoint`: bytes that came early and still wait.
  Tunnel(Worker& worker, Client& client, net::Stream& endpoint, net::Bytes to_client, net::Bytes to_endpoint);

  void pump();
  bool over() const { return broken_ || (to_client_.closed && to_endpoint_.closed); }
  bool broken() const { return broken_; }
  bool moved() { return std::exchange(moved_, false); }

 private:
  struct Direction {
    net::Bytes waiting;
    bool ended = false;   // the sender sent its end
    bool closed = false;  // and the receiver was told
  };
  void pump(Direction& direction, net::Stream& from, net::Stream& to);
  bool write_waiting(Direction& direction, net::Stream& to);
  bool read_piece(Direction& direction, net::Stream& from, net::Stream& to);

  Worker& worker_;
  Client& client_;
  net::Stream& endpoint_;
  Direction to_client_, to_endpoint_;
  bool broken_ = false;
  bool moved_ = false;
};

}  // namespace weir::proxy
