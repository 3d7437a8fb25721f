// Whom a listener believes its clients to be: who signs their certificates, which of those are revoked, and until when
// that is known. RFC 5280 §6.
#pragma once

#include <chrono>
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
  const std::string& text() const { return text_; }
  /// The first of its signers and lists to be over; what was verified before has to be verified anew then.
  std::chrono::sys_seconds holds_until() const { return holds_until_; }
  /// When the first of the lists is over.
  std::optional<std::chrono::sys_seconds> lists_end() const { return lists_end_; }

 private:
  void read_lists(const config::ListenerTls& tls, Validity& validity);
  void verify_list(const X509_CRL* list, const std::string& name, const config::Where& where, Validity& validity) const;
  void miss_lists(const config::ListenerTls& tls, Validity& validity) const;

  std::vector<Owned<X509>> signers_;
  std::vector<Owned<X509_CRL>> lists_;
  bool requires_ = false;
  std::string text_;
  std::chrono::sys_seconds holds_until_ = std::chrono::sys_seconds::max();
  std::optional<std::chrono::sys_seconds> lists_end_;
};

}  // namespace weir::net
