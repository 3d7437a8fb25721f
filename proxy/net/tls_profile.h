// What both sides of weir's TLS have in common: versions, cipher suites, groups (Mozilla's intermediate profile 5.7,
// without its finite-field exchanges, which cost a server more than who asks for them).
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "proxy/net/owned.h"

namespace weir::net {

/// As asked for, or by default; what OpenSSL does not know is told at `where`.
void set_ciphers(SSL_CTX* context, const std::vector<std::string>& names, const config::Where& where,
                 config::Problems& problems);
void set_groups(SSL_CTX* context, const std::vector<std::string>& names, const config::Where& where,
                config::Problems& problems);
void set_min_version(SSL_CTX* context, config::TlsVersion version);

/// How connections of this context use memory and the wire (tls.h relies on it).
void set_modes(SSL_CTX* context);

}  // namespace weir::net
