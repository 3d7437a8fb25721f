// How the endpoints of a version are spoken to by TLS: whom to believe, what to show.
#pragma once

#include <memory>
#include <string>

#include "config/config.h"
#include "proxy/net/owned.h"
#include "proxy/net/tls_server.h"

namespace weir::net {

class TlsClient;

/// The session to come back with to one endpoint; of one worker's pool. Resumed it verifies nothing anew, so it ends
/// with the client it was verified by; one that a connection of a former client brings late is not kept.
struct TlsMemory {
  Owned<SSL_SESSION> last;  // null: none
  std::shared_ptr<const TlsClient> of;
};

/// Whether a connection gives its session to its TlsMemory. Those of a command have none, and its files may be pipes.
enum class Sessions { kept, forgotten };

/// Made by the control thread, immutable, used by every worker.
class TlsClient {
 public:
  /// Reads every file that `tls` names. `forgotten` is for connections that are not a Tls; `before` is what is in force
  /// now, or null.
  static config::Result<std::shared_ptr<const TlsClient>> load(const config::VersionTls& tls, Dates dates,
                                                               Sessions sessions = Sessions::kept,
                                                               const TlsClient* before = nullptr);
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  /// A connection's beginning, to an endpoint of this name or address (empty: it has none, as a unix socket).
  Owned<SSL> session(const std::string& host) const;
  /// Is the certificate still good by which this session (or null) was verified? Resumed it is not looked at again.
  bool believes_still(SSL_SESSION* session) const;
  const config::Problems& warnings() const { return warnings_; }

 private:
  TlsClient() : context_(SSL_CTX_new(TLS_client_method())) {}

  Owned<SSL_CTX> context_;
  std::string sni_;
  config::Verify verify_ = config::Verify::full;
  config::Problems warnings_;
  Contents contents_;
};

}  // namespace weir::net
