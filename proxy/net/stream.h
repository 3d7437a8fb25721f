// One connection's bytes. The seam below which TLS will live: session and exchange see only this.
//
// Readiness is a sticky flag, cleared only when the kernel said there is no more; a descriptor is
// registered once with its loop. Owned by a session or a pooled connection; loop's thread.
#pragma once

#include <sys/uio.h>

#include <span>
#include <string_view>

#include "proxy/net/address.h"
#include "proxy/net/loop.h"
#include "proxy/net/pipe.h"

namespace weir::net {

enum class IoState {
  ok,     // `size` bytes were moved
  again,  // nothing now: wait for an event
  end,    // the peer sent its end (FIN)
  error,  // `error` is errno; the connection is dead
};

struct Io {
  size_t size = 0;
  IoState state = IoState::ok;
  int error = 0;
};

class Stream final : public Source {
 public:
  explicit Stream(Loop& loop) : loop_(loop) {}
  ~Stream() { close(); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Takes over a connected, non-blocking descriptor.
  bool adopt(int fd);
  /// Begins to connect; `connected` tells how it ended. False: refused at once (errno).
  bool connect(const SocketAddress& address);
  /// again: under way; ok: connected; error: with errno.
  Io connected();

  /// Who is woken by events; null: nobody, the flags are kept.
  void wake_with(Waiter* waiter) { waiter_ = waiter; }

  Io read(std::span<char> into);
  Io write(std::string_view bytes);
  /// Gathers (writev); at most IOV_MAX pieces.
  Io write(std::span<iovec> pieces);

  /// Moves bytes into the pipe, or out of it, without copying them; at most `size`.
  /// Only where `splices`.
  Io splice_into(Pipe& pipe, size_t size);
  Io splice_from(Pipe& pipe);
  /// Bytes on this connection are those of its descriptor (a plain one; TLS is not).
  bool splices() const { return true; }

  void shutdown_write();
  void close();
  /// Ends the connection with a reset, so that the peer cannot take what it got for the whole.
  void abort();

  /// Asks the kernel whether there is something to read that no event told of yet.
  bool look();
  /// Nothing to read and no end: readable may only be what the last, full read left of the flag.
  bool quiet() { return fd_ >= 0 && (!readable_ || !look_again()); }

  bool open() const { return fd_ >= 0; }
  bool readable() const { return readable_; }
  bool writable() const { return writable_; }
  /// Both directions are over (RST, or FIN after ours): whatever is written is lost.
  bool broken() const { return broken_; }
  int descriptor() const { return fd_; }

  void on_events(uint32_t events) override;

 private:
  bool look_again();
  Io read_result(ssize_t got, size_t wanted);
  Io write_result(ssize_t sent, size_t wanted);

  Loop& loop_;
  Waiter* waiter_ = nullptr;
  int fd_ = -1;
  bool readable_ = false;
  bool writable_ = false;
  bool end_ahead_ = false;  // a FIN, reset or error is known to stand behind the bytes
  bool broken_ = false;
  bool reset_ = false;  // seen by a write or an event: a later end is none
};

}  // namespace weir::net
