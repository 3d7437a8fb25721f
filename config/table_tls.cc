#include <cstdlib>

#include "config/forms.h"
#include "config/object.h"
#include "config/table.h"

namespace weir::config {

namespace {

Type<std::string> path() { return some_text("a file's path"); }

Type<Certificate> certificate() {
  return Object<Certificate>("certificate", "a certificate with its key, in PEM files; read again when they change")
      .required("chain", &Certificate::chain, path(), "the certificate, and those that lead to its root, in that order")
      .required("key", &Certificate::key, path(), "its private key")
      .optional("passphrase_file", &Certificate::passphrase_file, path(),
                "a file holding the passphrase of an encrypted key")
      .type();
}

/// A version of TLS looks like a number, and may be written as one.
Type<TlsVersion> tls_version() {
  struct Named {
    const char* text;
    double number;
    TlsVersion version;
  };
  static constexpr Named kVersions[] = {{"1.2", 1.2, TlsVersion::tls12}, {"1.3", 1.3, TlsVersion::tls13}};
  Type<TlsVersion> number{make_shape(NumbersShape{{1.2, 1.3}}), {}, {}};
  number.read = [](const Node& node, TlsVersion& into, const Reading& reading) {
    for (const Named& one : kVersions) {
      if (std::strtod(node.text.c_str(), nullptr) == one.number) {
        into = one.version;
        return;
      }
    }
    reading.wrong(node, node.shown() + " is not a version of TLS that weir speaks; write 1.2 or 1.3");
  };
  return either<TlsVersion>([](const Node& node) { return node.is(Scalar::real); }, number,
                            words<TlsVersion>({{"1.2", TlsVersion::tls12}, {"1.3", TlsVersion::tls13}}));
}

void add_certificates_and_profile(Object<ListenerTls>& table) {
  table
      .required(
          "certificates", &ListenerTls::certificates, list_of(certificate(), 1, "a certificate"),
          "chosen by the name that a client asks for: an exact one, a wildcard, else the first; of one name there "
          "may be an RSA and an ECDSA certificate")
      .defaulted("min_version", &ListenerTls::min_version, tls_version(), "the oldest version of TLS that is spoken")
      .optional("ciphers", &ListenerTls::ciphers, list_of(name(), 1, "a cipher suite's name"),
                "cipher suites by OpenSSL's names; those of TLS 1.3 begin with TLS_; by default Mozilla's intermediate "
                "profile with forward secrecy by elliptic curves")
      .optional("groups", &ListenerTls::groups, list_of(name(), 1, "a group's name"),
                "key exchange groups, the preferred first; by default X25519, P-256, P-384");
}

void add_clients(Object<ListenerTls>& table) {
  table
      .optional("client_ca", &ListenerTls::client_ca, path(),
                "certificates of those who sign clients' ones; absent: clients are not asked for any")
      .defaulted(
          "client_certificate", &ListenerTls::client_certificate,
          words<ClientCertificate>({{"require", ClientCertificate::require}, {"request", ClientCertificate::request}}),
          "whether a client must show a certificate, or may; one that does not hold is always refused")
      .optional("client_crl", &ListenerTls::client_crl, path(), "revocation lists of the signers in client_ca")
      .only_with("client_certificate", "client_ca")
      .only_with("client_crl", "client_ca");
}

}  // namespace

Type<ListenerTls> listener_tls_table() {
  Object<ListenerTls> table("listener tls", "how a listener speaks TLS");
  add_certificates_and_profile(table);
  table
      .optional("alpn", &ListenerTls::alpn, list_of(words<Alpn>({{"http/1.1", Alpn::http11}}), 0, "a protocol's name"),
                "protocols offered; by default http/1.1; empty: none is agreed on")
      .defaulted("session_tickets", &ListenerTls::session_tickets, boolean(),
                 "whether clients get tickets to come back without a full handshake; their keys change every 8 hours");
  add_clients(table);
  table
      .defaulted("forward_client_certificate", &ListenerTls::forward_client_certificate, boolean(),
                 "whether endpoints are told the client's certificate, as Client-Cert (RFC 9440), which nobody else "
                 "may send then")
      .only_with("forward_client_certificate", "client_ca");
  return table.type();
}

Type<ListenerTls> admin_tls_table() {
  Object<ListenerTls> table("admin tls", "how the admin speaks TLS");
  add_certificates_and_profile(table);
  add_clients(table);
  return table.type();
}

Type<Hsts> hsts_table() {
  return Object<Hsts>("hsts", "Strict-Transport-Security: for how long browsers shall ask by https alone")
      .defaulted("max_age", &Hsts::max_age, seconds(), "from each answer on")
      .defaulted("include_subdomains", &Hsts::include_subdomains, boolean(), "whether it holds for subdomains too")
      .defaulted("preload", &Hsts::preload, boolean(), "whether browsers may ship with it")
      .type();
}

Type<VersionTls> version_tls_table() {
  return Object<VersionTls>("version tls", "TLS to the endpoints of a version")
      .optional(
          "sni", &VersionTls::sni, host_name(),
          "the name that endpoints are asked for and verified by; by default their own, of addresses none is sent")
      .defaulted("verify", &VersionTls::verify,
                 words<Verify>({{"full", Verify::full}, {"ca", Verify::ca}, {"none", Verify::none}}),
                 "what an endpoint's certificate must hold: a chain to ca and its name or address; the chain alone; "
                 "nothing")
      .optional("ca", &VersionTls::ca, path(),
                "certificates of those who sign endpoints' ones; by default the system's")
      .optional("certificate", &VersionTls::certificate, certificate(), "weir's own, for endpoints that ask for one")
      .type();
}

}  // namespace weir::config
