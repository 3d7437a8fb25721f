// The clients' handshakes under way on one worker, bounded in number: of more than may be, the one that began first is
// dropped, so that a crowd that says nothing, or a byte now and then, keeps nobody out.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proxy/net/loop.h"

namespace weir::net {

class Handshakes;

/// One of them; owned by its session. Loop's thread.
class Handshake : private Link {
 public:
  explicit Handshake(Waiter& waiter) : waiter_(waiter) {}
  ~Handshake() { end(); }
  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;

  /// `most`: how many may be under way; 0: any number.
  void begin(Handshakes& all, uint64_t most);
  void end();
  bool dropped() const { return dropped_; }

 private:
  friend class Handshakes;
  Waiter& waiter_;
  Handshakes* all_ = nullptr;
  bool dropped_ = false;
};

class Handshakes {
 public:
  Handshakes() = default;
  Handshakes(const Handshakes&) = delete;
  Handshakes& operator=(const Handshakes&) = delete;

 private:
  friend class Handshake;
  void drop_first();

  Link ring_;  // in the order they began
  uint64_t count_ = 0;
};

inline void Handshake::begin(Handshakes& all, uint64_t most) {
  all_ = &all;
  if (most > 0 && all.count_ >= most) all.drop_first();
  ++all.count_;
  join_before(all.ring_);
}

inline void Handshake::end() {
  if (all_ == nullptr) return;
  leave();
  --all_->count_;
  all_ = nullptr;
}

inline void Handshakes::drop_first() {
  auto& first = static_cast<Handshake&>(*ring_.next);
  first.dropped_ = true;
  first.waiter_.wake();
  first.end();
}

}  // namespace weir::net
