#include "proxy/net/tls_client.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "proxy/net/pem.h"
#include "proxy/net/tls.h"
#include "proxy/net/tls_profile.h"

namespace weir::net {

namespace {

constexpr unsigned char kProtocols[] = "\x08http/1.1";

void believe(SSL_CTX* context, const config::VersionTls& tls, Files kind, config::Problems& problems) {
  if (tls.verify == config::Verify::none) return;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (tls.ca.empty()) {
    SSL_CTX_set_default_verify_paths(context);
    return;
  }
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  for (const auto& signer : read_certificates(tls.ca, "ca", tls.where, problems, kind)) {
    X509_STORE_add_cert(store, signer.get());
  }
}

void show(SSL_CTX* context, const config::Certificate& files, Files kind, Validity& validity) {
  config::Problems& problems = validity.problems;
  const auto identity = read_identity(files, problems, kind);
  if (!identity) return;
  validity.judge({files.where, "chain: " + files.chain, content_of(identity->certificate.get()), identity->not_before(),
                  identity->not_after(), "; renew it"});
  STACK_OF(X509)* const chain = sk_X509_new_null();
  for (const auto& link : identity->chain) sk_X509_push(chain, link.get());
  const bool used = SSL_CTX_use_cert_and_key(context, identity->certificate.get(), identity->key.get(), chain, 1) == 1;
  sk_X509_free(chain);
  if (!used) problems.push_back({files.where, "chain: " + files.chain + " cannot be used: " + openssl_complaint()});
}

}  // namespace

config::Result<std::shared_ptr<const TlsClient>> TlsClient::load(const config::VersionTls& tls, Dates dates,
                                                                 Sessions sessions, const TlsClient* before) {
  const Files files = sessions == Sessions::forgotten ? Files::any : Files::regular;
  std::shared_ptr<TlsClient> client(new TlsClient);
  SSL_CTX* const context = client->context_.get();
  config::Problems problems;
  set_modes(context);
  set_min_version(context, config::TlsVersion::tls12);
  set_ciphers(context, {}, tls.where, problems);
  set_groups(context, {}, tls.where, problems);
  SSL_CTX_set_alpn_protos(context, kProtocols, sizeof kProtocols - 1);
  if (sessions == Sessions::kept) Tls::keep_sessions_of(context);
  believe(context, tls, files, problems);
  Validity validity(dates, before ? &before->contents_ : nullptr);
  if (tls.certificate) show(context, *tls.certificate, files, validity);
  problems.insert(problems.end(), validity.problems.begin(), validity.problems.end());
  if (!problems.empty()) return problems;
  client->warnings_ = std::move(validity.warnings);
  client->contents_ = validity.judged();
  client->sni_ = tls.sni;
  client->verify_ = tls.verify;
  return std::shared_ptr<const TlsClient>(std::move(client));
}

Owned<SSL> TlsClient::session(const std::string& host) const {
  Owned<SSL> ssl(SSL_new(context_.get()));
  if (!ssl) return ssl;
  const std::string& name = sni_.empty() ? host : sni_;
  const bool is_address = config::parse_ip(name).has_value();
  if (!name.empty() && !is_address) SSL_set_tlsext_host_name(ssl.get(), name.c_str());
  if (verify_ != config::Verify::full) return ssl;
  // RFC 9525: a name matches DNS names alone, an address IP addresses alone; the subject is no name.
  SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const bool set = is_address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), name.c_str()) == 1
                              : SSL_set1_host(ssl.get(), name.c_str()) == 1;
  if (!set || name.empty()) ssl.reset();
  return ssl;
}

bool TlsClient::believes_still(SSL_SESSION* session) const {
  const X509* const shown = session == nullptr ? nullptr : SSL_SESSION_get0_peer(session);
  if (shown == nullptr || verify_ == config::Verify::none) return true;
  return time_of(X509_get0_notAfter(shown)) >= now_in_seconds();
}

}  // namespace weir::net
