// One connection of the generator's to a proxy: TCP, or TLS 1.3 over it (RFC 8446).
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace weir::load {

/// What the generator speaks TLS with: TLS_AES_128_GCM_SHA256, X25519; it verifies no certificate.
class TlsSide {
 public:
  TlsSide();
  SSL_CTX* context() const { return context_.get(); }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  std::unique_ptr<SSL_CTX, Free> context_;
};

class Wire {
 public:
  Wire() = default;
  ~Wire() { close(); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  /// Connects to 127.0.0.1. False, with errno, if refused. `tls`: null is plain; hands are shaken by the first `send`
  /// and what follows it. `host` is the name that is asked for (SNI).
  bool connect(uint16_t port, const TlsSide* tls, const std::string& host);
  /// `keep_session`: the next connection asks to resume what this one agreed on (RFC 8446 §2.2).
  void close(bool keep_session = false);

  bool open() const { return fd_ >= 0; }
  int descriptor() const { return fd_; }
  /// As send(2) and recv(2) on a descriptor that does not block; `receive` takes all that TLS holds, as far as there
  /// is room. An end that TLS complains of is 0 too: see `complaint`.
  ssize_t send(std::string_view bytes);
  ssize_t receive(std::span<char> into);
  /// What was not sent waits for the proxy's part of the handshake, not for room.
  bool shaking_hands() const { return ssl_ && SSL_in_init(ssl_.get()) != 0; }
  /// It asked to resume a session, and was refused.
  bool refused_to_resume() const { return asked_ && SSL_session_reused(ssl_.get()) == 0; }
  /// The proxy gave a ticket by now.
  bool can_resume() const { return ssl_ && SSL_SESSION_is_resumable(SSL_get0_session(ssl_.get())) != 0; }
  const std::string& complaint() const { return complaint_; }

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  };
  ssize_t without(int result);

  int fd_ = -1;
  bool asked_ = false;  // to resume
  std::unique_ptr<SSL, Free> ssl_;
  std::unique_ptr<SSL_SESSION, Free> session_;
  std::string complaint_;
};

}  // namespace weir::load
