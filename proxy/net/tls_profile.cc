#include "proxy/net/tls_profile.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <string_view>

namespace weir::net {

namespace {

constexpr const char* kDefaultCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kDefaultSuites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kDefaultGroups = "X25519:prime256v1:secp384r1";

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ":") + name;
  return all;
}

bool is_suite(const std::string& name) { return name.starts_with("TLS_"); }

/// It encrypts, and by a certificate.
bool is_served(const SSL_CIPHER* suite) {
  const int by = SSL_CIPHER_get_auth_nid(suite);
  const bool certified = by == NID_auth_ecdsa || by == NID_auth_rsa || by == NID_auth_any;
  return certified && SSL_CIPHER_get_cipher_nid(suite) != NID_undef;
}

/// A suite by its own name; OpenSSL's lists also take families of them, and pass over what they do not know.
bool is_known(SSL_CTX* context, const std::string& name) {
  const bool taken = is_suite(name) ? SSL_CTX_set_ciphersuites(context, name.c_str()) == 1
                                    : SSL_CTX_set_cipher_list(context, name.c_str()) == 1;
  ERR_clear_error();
  if (!taken) return false;
  const STACK_OF(SSL_CIPHER)* const all = SSL_CTX_get_ciphers(context);
  for (int i = 0; i < sk_SSL_CIPHER_num(all); ++i) {
    const SSL_CIPHER* const one = sk_SSL_CIPHER_value(all, i);
    if (name == SSL_CIPHER_get_name(one)) return is_served(one);
  }
  return false;
}

}  // namespace

void set_ciphers(SSL_CTX* context, const std::vector<std::string>& names, const config::Where& where,
                 config::Problems& problems) {
  std::vector<std::string> suites, others;
  for (const std::string& name : names) {
    if (is_known(context, name)) {
      (is_suite(name) ? suites : others).push_back(name);
    } else {
      problems.push_back({where, "ciphers: " + name +
                                     " is no cipher suite of OpenSSL that may be used; `openssl "
                                     "ciphers -s -v` lists them"});
    }
  }
  SSL_CTX_set_ciphersuites(context, suites.empty() ? kDefaultSuites : joined(suites).c_str());
  SSL_CTX_set_cipher_list(context, others.empty() ? kDefaultCiphers : joined(others).c_str());
  SSL_CTX_set_dh_auto(context, 1);  // for a DHE suite that was asked for
}

void set_groups(SSL_CTX* context, const std::vector<std::string>& names, const config::Where& where,
                config::Problems& problems) {
  for (const std::string& name : names) {
    if (SSL_CTX_set1_groups_list(context, name.c_str()) == 1) continue;
    ERR_clear_error();
    problems.push_back({where, "groups: " + name + " is no group of OpenSSL; write X25519, prime256v1, say"});
  }
  SSL_CTX_set1_groups_list(context, names.empty() ? kDefaultGroups : joined(names).c_str());
  ERR_clear_error();
}

void set_min_version(SSL_CTX* context, config::TlsVersion version) {
  SSL_CTX_set_min_proto_version(context, version == config::TlsVersion::tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
}

void set_modes(SSL_CTX* context) {
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_read_ahead(context, 1);
}

}  // namespace weir::net
