// Certificates, keys and revocation lists as they stand in PEM files; what is wrong with them is told by name.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "proxy/net/owned.h"

namespace weir::net {

/// A certificate, those that lead to its root, and its key; they fit together.
struct Identity {
  Owned<X509> certificate;
  std::vector<Owned<X509>> chain;
  Owned<EVP_PKEY> key;

  /// The names it is for, in lower case: DNS names of the subject's alternatives, else its common name.
  std::vector<std::string> names() const;
  std::chrono::sys_seconds not_before() const;
  std::chrono::sys_seconds not_after() const;
};

/// Reads the files of a certificate. Nothing if something is wrong with them: told in `problems`, each
/// with the file's name, at the place of the certificate in the configuration.
std::optional<Identity> read_identity(const config::Certificate& files, config::Problems& problems);

/// The certificates of a file; at least one, or a problem that begins with `key`.
std::vector<Owned<X509>> read_certificates(const std::string& path, const std::string& key, const config::Where& where,
                                           config::Problems& problems);
std::vector<Owned<X509_CRL>> read_revocations(const std::string& path, const std::string& key,
                                              const config::Where& where, config::Problems& problems);

/// The bytes of a regular file of at most 16 MiB, or nothing and why not. A pipe or a device would hold up who reads
/// it.
std::optional<std::string> read_regular(const std::string& path, std::string& why);

std::chrono::sys_seconds time_of(const ASN1_TIME* time);

/// RFC 4514: `CN=alice,O=Example`.
std::string text_of(const X509_NAME* name);

/// What OpenSSL complained of last, in its words; empties its queue.
std::string openssl_complaint();

}  // namespace weir::net
