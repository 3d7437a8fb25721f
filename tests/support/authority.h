// Certificates of a test's own: an authority that signs what the test wishes for, good or bad, as PEM files.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace weir::testing {

enum class KeyKind { ecdsa, rsa };

struct CertificateWish {
  std::vector<std::string> names;  // DNS names, or IP addresses
  std::string subject;             // common name; empty: the first of `names`
  KeyKind key = KeyKind::ecdsa;    // P-256, or RSA of 2048 bits
  int from_days = -1, to_days = 30;
  int from_seconds = 0;    // later than `from_days` says
  std::string passphrase;  // of the key's file; empty: not encrypted
};

struct CertificateFiles {
  std::string chain, key;
};

/// A root of P-256, or one below another. Files go into a directory that the test owns.
class Authority {
 public:
  explicit Authority(std::string directory, const std::string& name = "authority");
  /// Its certificate is signed by the one above, and stands in the chains that it issues.
  Authority(std::string directory, const std::string& name, const Authority& above);
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  /// Its own certificate's file.
  const std::string& ca() const { return ca_; }
  /// Writes `file`.pem and `file`.key.
  CertificateFiles issue(const std::string& file, const CertificateWish& wish);
  /// Writes a list on which the certificates of these chains stand, for so many days (0: it says nothing of an end);
  /// gives its path.
  std::string revoke(const std::string& file, const std::vector<std::string>& chains, int to_days = 1,
                     int from_seconds = -60);

 private:
  struct Signer;
  Authority(std::string directory, const std::string& name, const Signer* above);
  std::string directory_, ca_;
  bool is_root_;
  std::unique_ptr<Signer> signer_;
};

/// What `openssl x509 -fingerprint -sha256` says of the first certificate in a file: 64 lower hex digits.
std::string fingerprint_of(const std::string& chain);

}  // namespace weir::testing
