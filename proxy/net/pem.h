// Certificates, keys and revocation lists as they stand in PEM files; what is wrong with them is told by name.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "proxy/net/owned.h"

namespace weir::net {

/// What is read: a pipe or a device would hold up a weir that serves.
enum class Files { regular, any };
/// The bytes of a file of at most 64 MiB, or nothing and why not.
std::optional<std::string> read_bytes(const std::string& path, std::string& why, Files files = Files::regular);

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
std::optional<Identity> read_identity(const config::Certificate& files, config::Problems& problems,
                                      Files kind = Files::regular);

/// The certificates of a file; at least one, or a problem that begins with `key`.
std::vector<Owned<X509>> read_certificates(const std::string& path, const std::string& key, const config::Where& where,
                                           config::Problems& problems, Files files = Files::regular);
std::vector<Owned<X509_CRL>> read_revocations(const std::string& path, const std::string& key,
                                              const config::Where& where, config::Problems& problems);

std::chrono::sys_seconds time_of(const ASN1_TIME* time);

/// RFC 4514: `CN=alice,O=Example`.
std::string text_of(const X509_NAME* name);

/// What OpenSSL complained of last, in its words; empties its queue.
std::string openssl_complaint();

}  // namespace weir::net
