#include "proxy/exchange/tunnel.h"

namespace weir::proxy {

namespace {
constexpr size_t kPiecesATurn = 16;
}

Tunnel::Tunnel(Worker& worker, Client& client, net::Stream& endpoint, net::Bytes to_client, net::Bytes to_endpoint)
    : worker_(worker), client_(client), endpoint_(endpoint) {
  to_client_.waiting = std::move(to_client);
  to_endpoint_.waiting = std::move(to_endpoint);
}

void Tunnel::pump() {
  pump(to_client_, endpoint_, client_.stream);
  if (!broken_) pump(to_endpoint_, client_.stream, endpoint_);
}

void Tunnel::pump(Direction& direction, net::Stream& from, net::Stream& to) {
  for (size_t piece = 0; !broken_ && write_waiting(direction, to) && !direction.ended; ++piece) {
    if (piece == kPiecesATurn) return client_.waiter.wake();
    if (!read_piece(direction, from, to)) return;
  }
  if (!broken_ && direction.ended && direction.waiting.empty() && !std::exchange(direction.closed, true)) {
    to.shutdown_write();
  }
}

bool Tunnel::write_waiting(Direction& direction, net::Stream& to) {
  while (!direction.waiting.empty()) {
    const net::Io io = to.write(direction.waiting.view());
    if (io.state == net::IoState::again) return false;
    if (io.state != net::IoState::ok) {
      broken_ = true;
      return false;
    }
    direction.waiting.consume(io.size);
    moved_ = true;
  }
  return true;
}

/// False: there is none yet.
bool Tunnel::read_piece(Direction& direction, net::Stream& from, net::Stream& to) {
  const std::span<char> room = worker_.input().first(Worker::kBodyPiece);
  const net::Io read = from.read(room);
  if (read.state == net::IoState::again) return false;
  if (read.state == net::IoState::error) {
    broken_ = true;
    return true;
  }
  if (read.state == net::IoState::end) {
    direction.ended = true;
    return true;
  }
  moved_ = true;
  const net::Io written = to.write(std::string_view(room.data(), read.size));
  if (written.state == net::IoState::error) {
    broken_ = true;
    return true;
  }
  direction.waiting.append({room.data() + written.size, read.size - written.size});
  return true;
}

}  // namespace weir::proxy
