// How a listener speaks TLS: which certificate for which name, what is agreed on, whom it believes.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config.h"
#include "proxy/net/client_trust.h"
#include "proxy/net/owned.h"
#include "proxy/net/ticket_keys.h"
#include "proxy/net/validity.h"

namespace weir::net {

/// A certificate of a listener, for whoever watches it.
struct CertificateTerm {
  std::string chain;  // its file
  std::chrono::sys_seconds not_after;
};

/// Made by the control thread, immutable, used by every worker.
class TlsServer {
 public:
  struct Loaded {
    std::shared_ptr<const TlsServer> server;
    config::Problems warnings;
  };
  /// Reads every file that `tls` names. `scope` tells this listener's sessions from those of others; `before` is what
  /// is in force now, or null.
  static config::Result<Loaded> load(const config::ListenerTls& tls, const std::string& scope,
                                     std::shared_ptr<TicketKeys> keys, Dates dates, const TlsServer* before = nullptr);
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  /// A connection's beginning; the certificate is chosen when the client has said which name it wants.
  Owned<SSL> session() const { return Owned<SSL>(SSL_new(fallback_)); }
  const std::vector<CertificateTerm>& terms() const { return terms_; }
  /// May somebody whom `before` let in be kept out, for its certificate or the lack of one?
  bool takes_away_from(const TlsServer& before) const { return trust_.takes_away_from(before.trust_); }

 private:
  class Maker;
  explicit TlsServer(std::shared_ptr<TicketKeys> keys) : keys_(std::move(keys)) {}
  static int on_server_name(SSL* ssl, int* alert, void* server);
  static int on_ticket_made(SSL* ssl, void* server);
  static SSL_TICKET_RETURN on_ticket_opened(SSL* ssl, SSL_SESSION* session, const unsigned char*, size_t,
                                            SSL_TICKET_STATUS status, void* server);
  SSL_CTX* find(std::string_view name) const;

  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using ByName = std::unordered_map<std::string, SSL_CTX*, Hash, std::equal_to<>>;

  std::shared_ptr<TicketKeys> keys_;
  std::vector<Owned<SSL_CTX>> contexts_;  // one for each set of certificates that some name has
  ByName exact_;
  ByName wildcard_;  // `.suffix`: one label stands before it (RFC 6125 §6.4.3)
  SSL_CTX* fallback_ = nullptr;
  ClientTrust trust_;
  std::vector<CertificateTerm> terms_;
  Contents contents_;  // of the certificates and lists
};

}  // namespace weir::net
