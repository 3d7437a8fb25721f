// TLS under a test's wire: the client's side against weir, the server's in an origin.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/patience.h"

struct ssl_session_st;

namespace weir::testing {

struct TlsOptions {
  std::string ca;                           // whom to believe; empty: anybody
  std::string server_name;                  // sent as SNI; empty: none
  std::string chain, key;                   // a certificate to show; empty: none
  std::string max_version;                  // `1.2`; empty: the newest
  std::string ciphers;                      // of TLS 1.2, as OpenSSL lists them; empty: the default
  std::string protocols;                    // of ALPN, comma-separated; empty: none
  std::shared_ptr<ssl_session_st> session;  // to come back with; null: none
};

/// How a call on it ended.
enum class TlsStep { done, wants_read, wants_write, end, broken };

/// One side of TLS over a descriptor that belongs to somebody else.
class TlsSide {
 public:
  /// Makes the descriptor non-blocking. Throws if the options' files do not hold.
  static std::unique_ptr<TlsSide> client(int descriptor, const TlsOptions& options);
  static std::unique_ptr<TlsSide> server(int descriptor, const TlsOptions& options);
  ~TlsSide();

  /// False if there is no handshake in time; `complaint` says why.
  bool shake_hands(Deadline deadline);
  TlsStep read(char* into, size_t room, size_t& size);
  TlsStep write(std::string_view bytes, size_t& size);
  /// close_notify.
  void finish();

  const std::string& complaint() const { return complaint_; }
  std::string version() const;       // `TLSv1.3`
  std::string cipher() const;        // of OpenSSL's names
  std::string protocol() const;      // by ALPN; empty: none
  std::string peer_subject() const;  // the common name of the peer's certificate
  int peer_chain() const;            // how many certificates the peer sent
  std::string group() const;         // of the key exchange
  std::string peer_key() const;      // `RSA`, `EC`
  bool resumed() const;
  /// To come back with; TLS 1.3 has one only after something was read.
  std::shared_ptr<ssl_session_st> session() const;

 private:
  struct Body;
  explicit TlsSide(std::unique_ptr<Body> body);
  TlsStep step(int result);
  std::unique_ptr<Body> body_;
  std::string complaint_;
};

/// Every test of the room over TLS (WEIR_E2E_TLS=1): listeners that say nothing of TLS get a certificate, and
/// clients speak TLS to their addresses.
bool everything_over_tls();
/// The lines that a listener gets then.
std::string listener_tls_line();
void note_tls_address(const std::string& address);
/// How to speak to this address: nothing for a plain one.
std::optional<TlsOptions> tls_of(const std::string& address);

}  // namespace weir::testing
