// Streams just accepted that epoll(7) does not watch yet.
//
// Many a client has sent its request by then, takes the response and goes: nothing was waited for, and the loop is
// spared a registration. Whoever waits for its stream has it watched at once; the others are from the next tick on, so
// that a client that leaves while its response is being made is noticed then. Loop's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir::net {

class Stream;

class Newcomers {
 public:
  /// A stream's place among them; a stream that is watched, or closed, has none.
  using Place = uint32_t;
  static constexpr Place kNone = UINT32_MAX;

  bool empty() const { return streams_.empty(); }
  void add(Stream& stream);
  void remove(Stream& stream);
  /// One that the kernel refuses to watch is cut off: who serves it finds it ended.
  void watch_all();

 private:
  std::vector<Stream*> streams_;
};

}  // namespace weir::net
