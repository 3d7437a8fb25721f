// Whom a listener believes its clients to be: who signs their certificates, and which of those are revoked.
// RFC 5280 §6.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/config.h"
#include "proxy/net/owned.h"
#include "proxy/net/validity.h"

namespace weir::net {

/// Immutable once read.
class ClientTrust {
 public:
  /// Nobody is asked for a certificate.
  ClientTrust() = default;
  /// Reads the files that `tls` names; what is wrong with them goes to `validity`.
  ClientTrust(const config::ListenerTls& tls, Validity& validity);

  bool asks() const { return !signers_.empty(); }
  /// Connections of this context are asked for certificates.
  void ask(SSL_CTX* context) const;
  /// Another text where others are let in.
  std::string text() const;
  /// May somebody whom `before` let in be kept out?
  bool takes_away_from(const ClientTrust& before) const;
  /// Until when a certificate that was verified by this chain needs no other look (null: none was shown).
  std::chrono::sys_seconds holds_until(const STACK_OF(X509) * chain) const;
  /// When the first of the lists is over.
  std::optional<std::chrono::sys_seconds> lists_end() const;

 private:
  void read_signers(const config::ListenerTls& tls, Validity& validity);
  void read_lists(const config::ListenerTls& tls, Validity& validity);
  void verify_list(const X509_CRL* list, const std::string& name, const config::Where& where, Validity& validity) const;
  void miss_lists(const config::ListenerTls& tls, Validity& validity) const;

  std::vector<Owned<X509>> signers_;
  std::vector<Owned<X509_CRL>> lists_;
  bool requires_ = false;
  Contents known_;                                   // the signers
  std::set<std::string> listed_, revoked_;           // who has a list; who stands on one: its signer and number
  std::vector<std::chrono::sys_seconds> list_ends_;  // of the lists that are gone by
};

}  // namespace weir::net
