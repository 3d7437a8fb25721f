// weir with a listener that speaks TLS, before one origin, and certificates of the test's own.
#pragma once

#include <fmt/format.h>

#include "tests/e2e/edge.h"
#include "tests/support/authority.h"

namespace weir::testing {

/// `{ chain: …, key: … }` as the configuration names it.
inline std::string certificate_text(const CertificateFiles& files) {
  return fmt::format("{{ chain: {}, key: {} }}", files.chain, files.key);
}

class HttpsEdge {
 public:
  /// `more`: further keys of `tls`, as `min_version: 1.3`.
  explicit HttpsEdge(const std::vector<std::string>& more = {}, ConfigText config = {}, Script script = ok("served"))
      : origin(std::move(script)) {
    config.old_endpoints = {origin.address()};
    config.listener.push_back(tls_text({files}, more));
    weir = weir_with(std::move(config));
  }

  static std::string tls_text(const std::vector<CertificateFiles>& certificates,
                              const std::vector<std::string>& more = {}) {
    std::string text;
    for (const CertificateFiles& one : certificates) text += (text.empty() ? "" : ", ") + certificate_text(one);
    text = "tls: { certificates: [" + text + "]";
    for (const std::string& key : more) text += ", " + key;
    return text + " }";
  }

  TlsOptions options() const { return {.ca = authority.ca(), .server_name = "shop.example"}; }
  Client client(const TlsOptions& tls) const { return Client(weir->edge(), {.tls = tls}); }
  Client client() const { return client(options()); }
  Response fetch(const std::string& request, const TlsOptions& tls) const {
    Client one = client(tls);
    if (!one.secured()) return {};
    one.send(request);
    return one.receive();
  }
  Response fetch(const std::string& request) const { return fetch(request, options()); }
  /// How many handshakes ended so.
  double handshakes(const std::string& result) const {
    return weir->metrics().sum("weir_tls_handshakes_total", {{"result", result}});
  }

  Directory directory;
  Authority authority{directory.path()};
  CertificateFiles files =
      authority.issue("edge", {.names = {"shop.example", "*.shop.example", "127.0.0.1"}, .subject = "first"});
  Origin origin;
  std::unique_ptr<Weir> weir;
};

}  // namespace weir::testing
