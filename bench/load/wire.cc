#include "bench/load/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/load/sockets.h"

namespace weir::load {

TlsSide::TlsSide() : context_(SSL_CTX_new(TLS_client_method())) {
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  if (SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1 ||
      SSL_CTX_set1_groups_list(context, "X25519") != 1)
    give_up("TLS_AES_128_GCM_SHA256 with X25519");
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

bool Wire::connect(uint16_t port, const TlsSide* tls, const std::string& host) {
  fd_ = connect_to(port);
  if (fd_ < 0 || tls == nullptr) return fd_ >= 0;
  fcntl(fd_, F_SETFL, O_NONBLOCK);
  ssl_.reset(SSL_new(tls->context()));
  SSL_set_fd(ssl_.get(), fd_);
  SSL_set_tlsext_host_name(ssl_.get(), host.c_str());
  SSL_set_connect_state(ssl_.get());
  asked_ = session_ != nullptr;
  if (asked_) SSL_set_session(ssl_.get(), session_.get());
  complaint_.clear();
  return true;
}

void Wire::close(bool keep_session) {
  if (ssl_) {
    session_.reset(keep_session && can_resume() ? SSL_get1_session(ssl_.get()) : nullptr);
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);  // or the session would be given up
    ssl_.reset();
  }
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

ssize_t Wire::send(std::string_view bytes) {
  if (!ssl_) return ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  size_t sent = 0;
  const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent);
  return result == 1 ? static_cast<ssize_t>(sent) : without(result);
}

ssize_t Wire::receive(std::span<char> into) {
  if (!ssl_) return ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
  size_t got = 0;
  do {
    size_t size = 0;
    const int result = SSL_read_ex(ssl_.get(), into.data() + got, into.size() - got, &size);
    if (result != 1) return got > 0 ? static_cast<ssize_t>(got) : without(result);
    got += size;
  } while (got < into.size() && SSL_has_pending(ssl_.get()) != 0);
  return static_cast<ssize_t>(got);
}

/// Why nothing went through: -1 with EAGAIN, or 0 for an end.
ssize_t Wire::without(int result) {
  const int kind = SSL_get_error(ssl_.get(), result);
  errno = EAGAIN;
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return -1;
  if (const char* const words = ERR_reason_error_string(ERR_peek_error()))
    complaint_ = std::string("; TLS says: ") + words;
  ERR_clear_error();
  errno = EPROTO;
  return 0;
}

}  // namespace weir::load
