// TLS on one connection (RFC 8446, RFC 5246 with AEAD suites): what Stream's bytes go through when it is not plain.
//
// OpenSSL reads and writes through the stream's own system calls and flags, so that nothing is asked of the
// kernel twice; what it has to send is gathered and leaves in one piece. bench/tls_bench.cc has it beside OpenSSL on
// the descriptor itself, which sends each record alone, and beside memory BIOs, which keep their memory when idle.
// Owned by its Stream; loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "proxy/net/bytes.h"
#include "proxy/net/io.h"
#include "proxy/net/owned.h"

namespace weir::net {

class Stream;
class TlsClient;
class TlsServer;
struct TlsMemory;

/// Why there was no handshake.
enum class TlsFault : uint8_t {
  none,
  plain_text,   // the first byte is none of TLS: somebody speaks HTTP to this port
  certificate,  // the peer's is missing or does not hold
  alert,        // the peer refused
  protocol,     // what came is not TLS, or nothing could be agreed on
  gone,         // the connection ended
};

/// Who a client is by its certificate.
struct PeerCertificate {
  std::string subject;      // RFC 4514: `CN=alice,O=Example`
  std::string fingerprint;  // SHA-256 of the certificate, 64 lower hex digits
  std::string field;        // of Client-Cert (RFC 9440 §2.2), once it was asked for
};

/// What the peer of this connection showed, once hands are shaken; null: nothing.
std::unique_ptr<PeerCertificate> shown_by(const SSL* ssl);

class Tls {
 public:
  /// The server's side. `first` are bytes that were read from the stream already.
  Tls(Stream& stream, std::shared_ptr<const TlsServer> server, std::string_view first);
  /// The client's side, to an endpoint of this name or address. `memory` outlives the connection.
  Tls(Stream& stream, std::shared_ptr<const TlsClient> client, const std::string& host, TlsMemory& memory);
  ~Tls();
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  /// again: under way; ok: done; error: see `fault`.
  Io shake_hands();
  bool established() const { return established_; }
  /// Hands have begun to be shaken: there is a connection under it.
  bool begun() const { return begun_; }
  TlsFault fault() const { return fault_; }
  /// What a handshake failed of, in words.
  const std::string& complaint() const { return complaint_; }
  /// Null on the other side.
  const TlsClient* client() const { return client_.get(); }
  const TlsServer* server() const { return server_.get(); }
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  /// 12 for TLS 1.2, 13 for 1.3; 0 before it is agreed on.
  int version() const;
  /// None: the client showed no certificate.
  const PeerCertificate* peer() const { return peer_.get(); }
  /// What Client-Cert says of the client; empty where it showed none.
  std::string_view client_cert_field() const;

  /// As Stream's; what `write` did not take must be offered again, the same bytes first. `end` is only the
  /// peer's close_notify: a connection that just ends was cut short (RFC 8446 §6.1) and is an error.
  Io read(std::span<char> into);
  Io write(std::string_view bytes);
  /// What `bytes` become on the wire, to leave with the turn's other sends; they count as `write`'s next time. They
  /// stay where they are until `left` or the next call. Empty: `write` has to do it (there is much, or something
  /// waits).
  std::string_view seal(std::string_view bytes);
  /// What became of sending it.
  void left(const Io& io);
  /// Something to read, or an end, that is here already or still with the kernel.
  bool look();
  /// Something may be left that was received and not read.
  bool more() const { return more_; }
  /// A part of a message of TLS' own has come, a ticket's say: nothing can be written before the rest has.
  bool amid_message() const { return established_ && SSL_in_init(ssl_.get()) != 0; }

  /// Says that nothing more is written (close_notify); once.
  void say_goodbye();
  /// Sends what still waits; true when nothing does.
  bool send_sealed();

  /// Connections of this context give their sessions to their memories.
  static void keep_sessions_of(SSL_CTX* context);

 private:
  void begin();
  static int on_session(SSL* ssl, SSL_SESSION* session);
  static BIO_METHOD* wire();
  static int on_read(BIO* bio, char* into, int size);
  static int on_write(BIO* bio, const char* bytes, int size);
  static long on_control(BIO* bio, int command, long, void*);
  static void on_message(int sent, int, int type, const void* bytes, size_t size, SSL*, void* tls);

  bool hold_tickets();
  bool add_records(std::string_view piece, Io& failure);
  Io failed_handshake(int result);
  Io ended(int result);
  void note_peer();

  Stream& stream_;
  std::shared_ptr<const TlsServer> server_;  // callbacks of the handshake look into it
  std::shared_ptr<const TlsClient> client_;
  TlsMemory* memory_ = nullptr;
  Owned<SSL> ssl_;
  std::unique_ptr<PeerCertificate> peer_;
  std::string complaint_;
  Bytes first_;               // read before TLS began
  Bytes sealed_;              // records that the kernel has not taken yet, or was not offered
  size_t owed_ = 0;           // bytes of the caller's that are in them, and not yet said to be taken
  int error_ = 0;             // errno of the wire
  uint16_t key_updates_ = 0;  // of the peer's, since it last said something
  TlsFault fault_ = TlsFault::none;
  IoState end_ = IoState::ok;  // how reading ended
  bool seen_any_ = false;
  bool cut_short_ = false;  // the wire's end
  bool begun_ = false;
  bool established_ = false;
  bool more_ = false;
  bool held_ = false;    // what is sealed waits for the first answer
  bool broken_ = false;  // nothing more may be written, a goodbye neither
  bool goodbye_ = false;
};

}  // namespace weir::net
