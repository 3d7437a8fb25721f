// What became of reading or writing some bytes without waiting.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::net {

enum class IoState : uint8_t {
  ok,     // `size` bytes were moved
  again,  // nothing now: wait for an event
  end,    // the peer sent its end (FIN, or TLS's close_notify)
  error,  // `error` is errno; the connection is dead
};

struct Io {
  size_t size = 0;
  IoState state = IoState::ok;
  int error = 0;
};

}  // namespace weir::net
