// One connection's bytes, plain or through TLS: session and exchange see only this.
//
// Readiness is a sticky flag, cleared only when the kernel said there is no more; a descriptor is
// registered once with its loop, an accepted one when it is first waited for (newcomers.h). Owned by a session or a
// pooled connection; loop's thread.
#pragma once

#include <sys/uio.h>

#include <memory>
#include <span>
#include <string_view>

#include "proxy/net/address.h"
#include "proxy/net/io.h"
#include "proxy/net/loop.h"
#include "proxy/net/pipe.h"
#include "proxy/net/tls.h"

namespace weir::net {

class Stream final : public Source {
 public:
  explicit Stream(Loop& loop) : loop_(loop) {}
  ~Stream() { close(); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Takes over a descriptor that was just accepted, non-blocking.
  void adopt(int fd);
  /// Begins to connect; `connected` tells how it ended. False: refused at once (errno).
  bool connect(const SocketAddress& address);
  /// again: under way; ok: connected; error: with errno.
  Io connected();

  /// From here on bytes go through TLS, once `shake_hands` is ok. `first` was read already.
  void serve_tls(std::shared_ptr<const TlsServer> server, std::string_view first);
  /// For a connection that is being made: `connected` is ok when hands were shaken with this endpoint too.
  void ask_tls(std::shared_ptr<const TlsClient> client, const std::string& host, TlsMemory& memory);
  Io shake_hands() { return tls_->shake_hands(); }
  /// Null on a plain connection.
  const Tls* tls() const { return tls_.get(); }
  /// After a handshake that failed: the peer may be told why in plain text.
  void drop_tls() { tls_.reset(); }

  /// Who is woken by events; null: nobody, the flags are kept.
  void wake_with(Waiter* waiter) { waiter_ = waiter; }

  Io read(std::span<char> into);
  Io write(std::string_view bytes);
  /// The same, but the bytes may leave with the turn's others: `again` then, and whoever is woken comes again with
  /// the same bytes, which have stayed where they are, for the outcome. If they grow or move before, it is called at
  /// once with what they are now.
  Io write_kept(std::string_view bytes);
  /// Gathers (writev); at most IOV_MAX pieces.
  Io write(std::span<iovec> pieces);

  /// Moves bytes into the pipe, or out of it, without copying them; at most `size`.
  /// Only where `splices`.
  Io splice_into(Pipe& pipe, size_t size);
  Io splice_from(Pipe& pipe);
  /// Bytes on this connection are those of its descriptor (a plain one; TLS is not).
  bool splices() const { return tls_ == nullptr; }

  void shutdown_write();
  void close();
  /// Ends the connection with a reset, so that the peer cannot take what it got for the whole.
  void abort();

  /// Asks the kernel whether there is something to read that no event told of yet.
  bool look();
  /// Nothing to read and no end: readable may only be what the last, full read left of the flag.
  bool quiet() { return fd_ >= 0 && (!readable() || !look_again()) && !(tls_ && tls_->amid_message()); }

  /// Events on an idle connection told of bytes or an end, not only of what TLS says of itself (tickets), whole.
  bool stirred() { return readable() && (!tls_ || look_again() || tls_->amid_message()); }

  bool open() const { return fd_ >= 0; }
  bool readable() const { return readable_ || (tls_ && tls_->more()); }
  bool writable() const { return writable_; }
  /// Both directions are over (RST, or FIN after ours): whatever is written is lost.
  bool broken() const { return broken_; }
  int descriptor() const { return fd_; }

  void on_events(uint32_t events) override;

  /// What became of the bytes in the batch: how many left, or -errno.
  void sent(int outcome, size_t wanted);
  /// The batch leaves them to the stream itself.
  void send_now(std::string_view bytes);

 private:
  friend class Newcomers;
  friend class Tls;
  enum class Kept : uint8_t { nothing, in_batch, sent };
  /// Registers a newcomer with the loop; false when the kernel refuses (errno).
  bool watch();
  /// As if the peer had gone.
  void cut_off();
  /// `again`, for who will wait then.
  Io again();
  /// Of what has been received, at once (TCP_QUICKACK, tcp(7)).
  void acknowledge();
  /// What TLS kept for the turn's end is sent by itself: there is more to say at once.
  void leave_batch();
  /// Plain bytes, whatever they are.
  Io receive(std::span<char> into);
  Io transmit(std::string_view bytes);
  Io write_joined(std::span<const iovec> pieces);
  bool look_again();
  Io read_result(ssize_t got, size_t wanted);
  Io write_result(ssize_t sent, size_t wanted);

  Loop& loop_;
  Waiter* waiter_ = nullptr;
  std::unique_ptr<Tls> tls_;
  int fd_ = -1;
  int32_t outcome_ = 0;  // of what was kept: bytes, or -errno
  Newcomers::Place place_ = Newcomers::kNone;
  Kept kept_ = Kept::nothing;
  bool readable_ : 1 = false;
  bool writable_ : 1 = false;
  bool end_ahead_ : 1 = false;  // a FIN, reset or error is known to stand behind the bytes
  bool broken_ : 1 = false;
  bool finishing_ : 1 = false;  // the goodbye has to go out before our end
  bool reset_ : 1 = false;      // seen by a write or an event: a later end is none
};

}  // namespace weir::net
