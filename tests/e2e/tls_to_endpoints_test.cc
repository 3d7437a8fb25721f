// TLS to endpoints: who is believed, what is shown, how it fails.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "tests/e2e/https_edge.h"

namespace weir::testing {
namespace {

/// weir before an origin that speaks TLS.
class Behind {
 public:
  explicit Behind(const CertificateWish& wish, const std::string& tls = "", Script script = ok("served"))
      : files(authority.issue("origin", wish)),
        origin(std::move(script), "127.0.0.1:0", TlsOptions{.chain = files.chain, .key = files.key}) {
    ConfigText config{.old_endpoints = {origin.address()}};
    config.old_version = {"tls: { " + (tls.empty() ? "ca: " + authority.ca() : tls) + " }"};
    config.replaced = {{"CA", authority.ca()}};
    weir = weir_with(std::move(config));
  }
  Response fetch() { return testing::fetch(weir->edge(), get("/")); }
  std::string error() { return fetch().fields.get("Proxy-Status"); }

  Directory directory;
  Authority authority{directory.path()};
  CertificateFiles files;
  Origin origin;
  std::unique_ptr<Weir> weir;
};

TEST(TlsToEndpoints, IsSpokenAndItsConnectionsAreKept) {
  Behind behind({.names = {"127.0.0.1"}});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(behind.fetch().body, "served");
  EXPECT_EQ(behind.origin.connections(), 1u);
}

TEST(TlsToEndpoints, ProbesGoThroughItToo) {
  Behind behind({.names = {"127.0.0.1"}});
  auto config = behind.weir->config();
  config.old_version.push_back("health: { path: /healthz, interval: 100ms, timeout: 1s, fall: 1, rise: 1 }");
  behind.weir->reload(config);
  ASSERT_TRUE(wait_until([&] { return behind.origin.requests().size() >= 3; }));
  for (const auto& request : behind.origin.requests()) EXPECT_EQ(request.target, "/healthz");
  EXPECT_EQ(behind.weir->metrics().sum("weir_endpoint_up"), 1);
  config.old_version = {"tls: { verify: full }", config.old_version.back()};
  behind.weir->reload(config);
  EXPECT_TRUE(wait_until([&] { return behind.weir->metrics().sum("weir_endpoint_up") == 0; }));
}

TEST(TlsToEndpoints, SessionsAreResumed) {
  Behind behind({.names = {"127.0.0.1"}}, "", ok("served", "Connection: close\r\n"));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(behind.fetch().body, "served");
  EXPECT_EQ(behind.origin.connections(), 4u);
  EXPECT_EQ(behind.origin.resumed(), 3u);
}

TEST(TlsToEndpoints, AnotherSignersCertificateIsNotBelieved) {
  Behind behind({.names = {"127.0.0.1"}}, "verify: full");  // the system's signers
  EXPECT_EQ(behind.fetch().status, 502);
  EXPECT_EQ(behind.error(), "weir; error=tls_certificate_error");
  EXPECT_NE(behind.weir->log().find("certificate verify failed"), std::string::npos);
  EXPECT_TRUE(behind.origin.requests().empty());
  EXPECT_GE(behind.weir->metrics().sum("weir_upstream_connects_total", {{"result", "tls"}}), 2);
}

TEST(TlsToEndpoints, TheAddressMustBeThatOfTheCertificate) {
  Behind behind({.names = {"192.0.2.1", "shop.internal"}});
  EXPECT_EQ(behind.error(), "weir; error=tls_certificate_error");
  auto config = behind.weir->config();
  config.old_version = {"tls: { ca: CA, verify: ca }"};
  behind.weir->reload(config);
  EXPECT_EQ(behind.fetch().body, "served");
  config.old_version = {"tls: { ca: CA, sni: shop.internal }"};
  behind.weir->reload(config);
  EXPECT_EQ(behind.fetch().body, "served");
  config.old_version = {"tls: { ca: CA, sni: shop.elsewhere }"};
  behind.weir->reload(config);
  EXPECT_EQ(behind.error(), "weir; error=tls_certificate_error");
}

TEST(TlsToEndpoints, OneWithAnAddressOfVersion6IsVerifiedByIt) {
  const Directory directory;
  Authority authority(directory.path());
  const auto files = authority.issue("six", {.names = {"::1"}});
  Origin six(ok("six"), "[::1]:0", TlsOptions{.chain = files.chain, .key = files.key});
  ConfigText config{.old_endpoints = {six.address()}, .old_version = {"tls: { ca: " + authority.ca() + " }"}};
  EXPECT_EQ(fetch(weir_with(config)->edge(), get("/")).body, "six");
}

TEST(TlsToEndpoints, OneThatIsNamedIsVerifiedByItsName) {
  Behind behind({.names = {"localhost"}});
  const std::string port = behind.origin.address().substr(behind.origin.address().rfind(':'));
  EXPECT_EQ(behind.error(), "weir; error=tls_certificate_error") << "its address is not in it";
  auto config = behind.weir->config();
  config.old_endpoints = {"localhost" + port};
  behind.weir->reload(config);
  EXPECT_TRUE(wait_until([&] { return behind.fetch().body == "served"; })) << "once the name is resolved";
}

TEST(TlsToEndpoints, AWildcardStandsForOneLabel) {
  Behind behind({.names = {"*.shop.internal"}});
  const std::vector<std::pair<std::string, bool>> cases{{"a.shop.internal", true},
                                                        {"A.Shop.Internal", true},
                                                        {"b.a.shop.internal", false},
                                                        {"shop.internal", false},
                                                        {"xshop.internal", false}};
  for (const auto& [name, holds] : cases) {
    auto config = behind.weir->config();
    config.old_version = {"tls: { ca: CA, sni: " + name + " }"};
    behind.weir->reload(config);
    EXPECT_EQ(behind.fetch().status, holds ? 200 : 502) << name;
  }
}

TEST(TlsToEndpoints, ANameInTheSubjectAloneIsNone) {
  Behind behind({.names = {}, .subject = "shop.internal"}, "ca: CA, sni: shop.internal");
  EXPECT_EQ(behind.error(), "weir; error=tls_certificate_error");
  EXPECT_NE(behind.weir->log().find("hostname mismatch"), std::string::npos) << behind.weir->log();
}

TEST(TlsToEndpoints, OneThatShakesNoHandsIsLate) {
  const Socket silent = listen_on(own_loopback() + ":0");
  ConfigText config{.old_endpoints = {local_address(silent)}, .timeouts = {{"connect", "300ms"}}};
  config.old_version = {"tls: { verify: none }"};
  const auto weir = weir_with(config);
  const Response response = fetch(weir->edge(), get("/"));
  EXPECT_EQ(response.status, 504);
  EXPECT_EQ(response.fields.get("Proxy-Status"), "weir; error=connection_timeout");
}

TEST(TlsToEndpoints, WeirsOwnCertificateThatIsOverDoesNotHoldUpAnotherSigner) {
  const Directory directory;
  Authority authority(directory.path());
  const auto over = authority.issue("over", {.names = {"weir.example"}, .from_days = -9, .to_days = -1});
  const std::string signers = directory.path() + "/signers.pem";
  write_file(signers, read_file(authority.ca()));
  ConfigText config{.old_endpoints = {"127.0.0.1:9"}};
  config.old_version = {"tls: { ca: " + signers + ", certificate: " + certificate_text(over) + " }"};
  const auto weir = weir_with(config);
  EXPECT_NE(weir->log().find("over.pem expired at"), std::string::npos) << weir->log();
  Authority other(directory.path(), "other");
  replace_file(signers, read_file(other.ca()));
  EXPECT_TRUE(weir->program().wait_for_text("reloaded")) << weir->log();
}

TEST(TlsToEndpoints, OneThatHangsUpDuringTheHandshakeIsToldByName) {
  for (const bool at_once : {true, false}) {
    const Socket door = listen_on(own_loopback() + ":0");
    ConfigText config{.old_endpoints = {local_address(door)}};
    config.old_version = {"tls: { verify: none }"};
    const auto weir = weir_with(config);
    std::atomic<bool> over = false;
    std::thread hanging([&] {
      while (!over) {
        pollfd knock{door.descriptor(), POLLIN, 0};
        if (::poll(&knock, 1, 20) <= 0) continue;
        const int caller = ::accept(door.descriptor(), nullptr, nullptr);
        std::array<char, 4096> hello;
        if (!at_once) {
          EXPECT_GT(::recv(caller, hello.data(), hello.size(), 0), 0);
        }
        ::close(caller);
      }
    });
    const Response response = fetch(weir->edge(), get("/"));
    over = true;
    hanging.join();
    EXPECT_EQ(response.status, 502);
    EXPECT_EQ(response.fields.get("Proxy-Status"), "weir; error=tls_protocol_error") << at_once;
    EXPECT_NE(weir->log().find("no TLS with " + local_address(door)), std::string::npos) << weir->log();
  }
}

TEST(TlsToEndpoints, AnExpiredCertificateIsNotBelievedUnlessNothingIsVerified) {
  Behind behind({.names = {"127.0.0.1"}, .from_days = -9, .to_days = -1});
  EXPECT_EQ(behind.error(), "weir; error=tls_certificate_error");
  auto config = behind.weir->config();
  config.old_version = {"tls: { verify: none }"};
  behind.weir->reload(config);
  EXPECT_EQ(behind.fetch().body, "served");
  EXPECT_NE(behind.weir->log().find("verifies nothing"), std::string::npos);
}

TEST(TlsToEndpoints, AnEndpointThatSpeaksPlainHttpIsAProtocolError) {
  Origin plain(raw_then_close("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
  const auto weir = weir_with({.old_endpoints = {plain.address()}, .old_version = {"tls: { verify: none }"}});
  const Response response = fetch(weir->edge(), get("/"));
  EXPECT_EQ(response.status, 502);
  EXPECT_EQ(response.fields.get("Proxy-Status"), "weir; error=tls_protocol_error");
}

TEST(TlsToEndpoints, WeirShowsItsOwnCertificateWhereItIsAskedForOne) {
  Behind behind({.names = {"127.0.0.1"}});
  const auto own = behind.authority.issue("weir", {.names = {"weir.internal"}});
  Origin asking(ok("asked"), "127.0.0.1:0",
                TlsOptions{.ca = behind.authority.ca(), .chain = behind.files.chain, .key = behind.files.key});
  auto config = behind.weir->config();
  config.old_endpoints = {asking.address()};
  behind.weir->reload(config);
  EXPECT_EQ(behind.fetch().status, 502);
  config.old_version = {"tls: { ca: CA, certificate: " + certificate_text(own) + " }"};
  behind.weir->reload(config);
  EXPECT_EQ(behind.fetch().body, "asked");
}

TEST(TlsToEndpoints, AResponseWithoutALengthThatIsCutShortIsCutForTheClientToo) {
  const std::string head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello";
  Behind whole({.names = {"127.0.0.1"}}, "", raw_then_close(head));
  EXPECT_TRUE(whole.fetch().complete);
  Behind cut({.names = {"127.0.0.1"}}, "", raw_then_reset(head));
  EXPECT_FALSE(cut.fetch().complete);
}

TEST(TlsToEndpoints, LargeBodiesComeUnchangedFromEndToEnd) {
  const std::string body(4'000'000, 'z');
  Behind behind({.names = {"127.0.0.1"}}, "", ok(body));
  EXPECT_EQ(behind.fetch().body, body);
}

}  // namespace
}  // namespace weir::testing
