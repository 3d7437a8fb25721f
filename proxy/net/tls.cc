#include "proxy/net/tls.h"

#include <openssl/err.h>
#include <openssl/sha.h>

#include <cerrno>
#include <stdexcept>

#include "proxy/net/pem.h"
#include "proxy/net/stream.h"
#include "proxy/net/tls_client.h"
#include "proxy/net/tls_server.h"

namespace weir::net {

namespace {

constexpr size_t kSealedAtOnce = 64 * 1024;    // plain bytes that leave together
constexpr size_t kSealedForLater = 16 * 1024;  // that leave with others': copied once more
constexpr size_t kMostWaiting = 16 * 1024;     // of what is sent without being asked to: alerts, key updates
constexpr size_t kMostHeld = 4 * 1024;         // of tickets: those of a client with a large certificate are larger
constexpr unsigned kReceivesACall = 4;         // of some 16 KiB; a record takes two
constexpr unsigned kMostKeyUpdates = 32;       // with nothing said between them; each costs as much as a small answer

/// What the call under way has to send. Empty between two calls.
std::string& outgoing() {
  thread_local std::string bytes;
  return bytes;
}

/// For the length of one call: what it did not hand over is never another connection's.
struct Gathering {
  Gathering() { outgoing().clear(); }
  ~Gathering() { outgoing().clear(); }
};

/// How often the call under way may still receive. OpenSSL goes on by itself as long as something comes that is no
/// data, key updates say (RFC 8446 §4.6.3), and records may hold a byte each: whoever sends those would have the
/// worker for itself.
unsigned& receives_left() {
  thread_local unsigned left = 0;
  return left;
}

/// SSL_get_error looks at the thread's queue. It is empty nearly always, and emptying it costs more than looking.
void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

std::string fingerprint_of(const X509* certificate) {
  constexpr char kDigits[] = "0123456789abcdef";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), digest, &size);
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

/// Its DER bytes as RFC 8941 §3.3.5 writes them.
std::string byte_sequence(const X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size <= 0) return {};
  std::string text(4 * ((static_cast<size_t>(size) + 2) / 3) + 1, ':');  // EVP_EncodeBlock ends with a null
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), der, size);
  text.back() = ':';
  OPENSSL_free(der);
  return ":" + text;
}

/// TLS begins with 22, its oldest form with a byte above 127.
bool is_plain_text(char first) { return (first >= ' ' && first <= '~') || first == '\r' || first == '\n'; }

}  // namespace

std::unique_ptr<PeerCertificate> shown_by(const SSL* ssl) {
  const X509* const certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return nullptr;
  return std::make_unique<PeerCertificate>(
      PeerCertificate{text_of(X509_get_subject_name(certificate)), fingerprint_of(certificate), {}});
}

BIO_METHOD* Tls::wire() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir stream");
    BIO_meth_set_read(made, on_read);
    BIO_meth_set_write(made, on_write);
    BIO_meth_set_ctrl(made, on_control);
    return made;
  }();
  return method;
}

Tls::Tls(Stream& stream, std::shared_ptr<const TlsServer> server, std::string_view first)
    : stream_(stream), server_(std::move(server)), ssl_(server_->session()) {
  begin();
  SSL_set_accept_state(ssl_.get());
  first_.append(first);
}

Tls::Tls(Stream& stream, std::shared_ptr<const TlsClient> client, const std::string& host, TlsMemory& memory)
    : stream_(stream), client_(std::move(client)), memory_(&memory), ssl_(client_->session(host)) {
  begin();
  SSL_set_connect_state(ssl_.get());
  if (std::exchange(memory.of, client_) != client_ || !client_->believes_still(memory.last.get())) memory.last.reset();
  if (memory.last) SSL_set_session(ssl_.get(), memory.last.get());
}

void Tls::begin() {
  BIO* const bio = ssl_ ? BIO_new(wire()) : nullptr;
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_msg_callback(ssl_.get(), on_message);
  SSL_set_msg_callback_arg(ssl_.get(), this);
}

/// RFC 8446 §4.6.3 sets no limit to how often a peer may change its keys.
void Tls::on_message(int sent, int, int type, const void* bytes, size_t size, SSL*, void* tls) {
  if (type != SSL3_RT_HANDSHAKE || sent != 0 || size == 0) return;
  if (*static_cast<const unsigned char*>(bytes) == SSL3_MT_KEY_UPDATE) ++static_cast<Tls*>(tls)->key_updates_;
}

Tls::~Tls() = default;

void Tls::keep_sessions_of(SSL_CTX* context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_session);
}

/// 1: the session is ours from here on.
int Tls::on_session(SSL* ssl, SSL_SESSION* session) {
  const Tls& tls = *static_cast<Tls*>(BIO_get_data(SSL_get_rbio(ssl)));
  if (tls.memory_->of != tls.client_) return 0;
  tls.memory_->last.reset(session);
  return 1;
}

int Tls::on_read(BIO* bio, char* into, int size) {
  Tls& tls = *static_cast<Tls*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  Io io;
  if (!tls.first_.empty()) {
    io.size = std::min(tls.first_.size(), static_cast<size_t>(size));
    std::copy_n(tls.first_.view().data(), io.size, into);
    tls.first_.consume(io.size);
  } else if (tls.key_updates_ > kMostKeyUpdates) {
    io = {0, IoState::error, EPROTO};
  } else if (receives_left() == 0) {
    if (tls.stream_.waiter_) tls.stream_.waiter_->wake();  // there may be more: after the others' turn
    BIO_set_retry_read(bio);
    return -1;
  } else {
    --receives_left();
    io = tls.stream_.receive({into, static_cast<size_t>(size)});
  }
  switch (io.state) {
    case IoState::ok:
      if (!std::exchange(tls.seen_any_, true) && tls.server_ && is_plain_text(*into)) tls.fault_ = TlsFault::plain_text;
      return static_cast<int>(io.size);
    case IoState::again:
      BIO_set_retry_read(bio);
      return -1;
    case IoState::end:
      tls.cut_short_ = true;
      return 0;
    case IoState::error:
      tls.error_ = io.error;
      return -1;
  }
  return -1;
}

int Tls::on_write(BIO* bio, const char* bytes, int size) {
  const Tls& tls = *static_cast<Tls*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (tls.established_ && tls.sealed_.size() > kMostWaiting) {
    BIO_set_retry_write(bio);
    return -1;
  }
  outgoing().append(bytes, static_cast<size_t>(size));
  return size;
}

long Tls::on_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

bool Tls::send_sealed() {
  stream_.leave_batch();
  held_ = false;
  std::string& fresh = outgoing();
  if (!sealed_.empty()) {
    sealed_.append(fresh);
    fresh.clear();
  }
  const bool waited = !sealed_.empty();
  const std::string_view bytes = waited ? sealed_.view() : std::string_view(fresh);
  if (bytes.empty()) return true;
  const Io io = stream_.transmit(bytes);
  if (io.state == IoState::error) {
    error_ = io.error;
    broken_ = true;
    sealed_.clear();
    fresh.clear();
    return false;
  }
  if (waited) {
    sealed_.consume(io.size);
  } else {
    sealed_.append(bytes.substr(io.size));
    fresh.clear();
  }
  return sealed_.empty();
}

Io Tls::shake_hands() {
  const Gathering gathering;
  begun_ = true;
  if (!sealed_.empty() && !send_sealed() && broken_) return {0, IoState::error, error_};
  ERR_clear_error();
  receives_left() = kReceivesACall;
  const int result = SSL_do_handshake(ssl_.get());
  if (fault_ == TlsFault::plain_text) {
    outgoing().clear();  // an alert means nothing to who speaks plain text
    broken_ = true;
    ERR_clear_error();
    return {0, IoState::error, EPROTO};
  }
  if (result != 1) return failed_handshake(result);
  if (!hold_tickets()) send_sealed();
  established_ = more_ = true;  // the client's first bytes may have come with its last ones of the handshake
  // A client that waits for an acknowledgement before it sends its request (Nagle's algorithm) gets one at once.
  if (held_ && !stream_.readable_ && SSL_has_pending(ssl_.get()) == 0) stream_.acknowledge();
  note_peer();
  return {};
}

/// RFC 8446 §4.6.1: what a server has to say after the client's last word are tickets, which nobody waits for: they
/// leave with the first answer. False: there is more to say than that, or so much that it is not kept.
bool Tls::hold_tickets() {
  if (!server_ || !sealed_.empty() || SSL_version(ssl_.get()) != TLS1_3_VERSION) return false;
  if (outgoing().size() > kMostHeld) return false;
  sealed_.append(outgoing());
  outgoing().clear();
  return held_ = true;
}

Io Tls::failed_handshake(int result) {
  const int kind = SSL_get_error(ssl_.get(), result);
  const auto error = ERR_peek_error();
  const int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
  ERR_clear_error();
  const bool sent = send_sealed();
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) {
    if (sent || !broken_) return {0, IoState::again};
  }
  broken_ = true;
  if (memory_) memory_->last.reset();  // whatever it was: the next one begins anew
  if (const char* const words = error != 0 ? ERR_reason_error_string(error) : nullptr) complaint_ = words;
  const long verdict = SSL_get_verify_result(ssl_.get());
  if (verdict != X509_V_OK) complaint_ += std::string(": ") + X509_verify_cert_error_string(verdict);
  if (reason >= SSL_AD_REASON_OFFSET) {
    fault_ = TlsFault::alert;
  } else if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED || reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
    fault_ = TlsFault::certificate;
  } else if (cut_short_ || error_ != 0) {
    fault_ = TlsFault::gone;
  } else {
    fault_ = TlsFault::protocol;
  }
  return {0, IoState::error, error_ != 0 ? error_ : EPROTO};
}

int Tls::version() const {
  if (!established_) return 0;
  return SSL_version(ssl_.get()) == TLS1_3_VERSION ? 13 : 12;
}

void Tls::note_peer() {
  if (server_) peer_ = shown_by(ssl_.get());
}

std::string_view Tls::client_cert_field() const {
  if (peer_ == nullptr) return {};
  if (peer_->field.empty()) peer_->field = byte_sequence(SSL_get0_peer_certificate(ssl_.get()));
  return peer_->field;
}

Io Tls::read(std::span<char> into) {
  const Gathering gathering;
  if (end_ != IoState::ok) return {0, end_, error_};
  if (!sealed_.empty() && !held_ && stream_.kept_ == Stream::Kept::nothing) send_sealed();
  receives_left() = kReceivesACall + static_cast<unsigned>(into.size() / SSL3_RT_MAX_PLAIN_LENGTH);
  size_t got = 0;
  bool dry = false;
  while (got < into.size() && !dry) {
    forget_errors();
    size_t size = 0;
    const int result = SSL_read_ex(ssl_.get(), into.data() + got, into.size() - got, &size);
    if (result == 1) {
      got += size;
      dry = !stream_.readable_ && SSL_has_pending(ssl_.get()) == 0;
      continue;
    }
    const Io io = ended(result);
    if (io.state != IoState::again) end_ = io.state;
    dry = true;
  }
  more_ = !dry || end_ != IoState::ok;
  if (!outgoing().empty()) send_sealed();
  if (got > 0) key_updates_ = 0;
  if (got > 0) return {got, IoState::ok};
  if (end_ != IoState::ok) return {0, end_, error_};
  return {0, IoState::again};
}

/// Why SSL_read or SSL_peek gave nothing.
Io Tls::ended(int result) {
  const int kind = SSL_get_error(ssl_.get(), result);
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return {0, IoState::again};
  if (kind == SSL_ERROR_ZERO_RETURN) return {0, IoState::end};
  ERR_clear_error();
  broken_ = true;
  if (error_ == 0) error_ = cut_short_ ? ECONNRESET : EPROTO;
  return {0, IoState::error, error_};
}

Io Tls::write(std::string_view bytes) {
  const Gathering gathering;
  if (broken_) return {0, IoState::error, error_ != 0 ? error_ : EPIPE};
  if (!sealed_.empty() && !held_ && !send_sealed()) return {0, broken_ ? IoState::error : IoState::again, error_};
  size_t done = std::min(std::exchange(owed_, 0), bytes.size());
  while (done < bytes.size()) {
    const std::string_view piece = bytes.substr(done, kSealedAtOnce);
    if (Io failure; !add_records(piece, failure)) return failure;
    if (!send_sealed()) {
      if (broken_) return {0, IoState::error, error_};
      owed_ = piece.size();
      break;
    }
    done += piece.size();
  }
  return {done, done > 0 || bytes.empty() ? IoState::ok : IoState::again};
}

/// Into `outgoing`. Amid a message of the peer's OpenSSL reads on before it writes.
bool Tls::add_records(std::string_view piece, Io& failure) {
  receives_left() = kReceivesACall;
  if (key_updates_ > 0) --key_updates_;  // who only listens may change its keys as well
  for (size_t sealed = 0; sealed < piece.size();) {
    forget_errors();
    size_t size = 0;
    const int result = SSL_write_ex(ssl_.get(), piece.data() + sealed, piece.size() - sealed, &size);
    if (result != 1) {
      failure = ended(result);
      return false;
    }
    sealed += size;
  }
  return true;
}

std::string_view Tls::seal(std::string_view bytes) {
  const bool waits = owed_ > 0 || (!sealed_.empty() && !held_);
  if (broken_ || waits || bytes.size() > kSealedForLater) return {};
  const Gathering gathering;
  if (Io failure; !add_records(bytes, failure)) return {};
  held_ = false;
  sealed_.append(outgoing());
  owed_ = bytes.size();
  return sealed_.view();
}

void Tls::left(const Io& io) {
  if (io.state == IoState::error) {
    error_ = io.error;
    broken_ = true;
    sealed_.clear();
  } else {
    sealed_.consume(io.size);
  }
}

bool Tls::look() {
  const Gathering gathering;
  if (end_ != IoState::ok) return true;
  forget_errors();
  receives_left() = kReceivesACall;
  char byte;
  size_t size = 0;
  const int result = SSL_peek_ex(ssl_.get(), &byte, 1, &size);
  const bool found = result == 1 || ended(result).state != IoState::again;
  if (!outgoing().empty()) send_sealed();
  return more_ = found;
}

void Tls::say_goodbye() {
  if (!established_ || broken_ || std::exchange(goodbye_, true)) return;
  const Gathering gathering;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  send_sealed();
}

}  // namespace weir::net
