// Who is believed: clients by their certificates, endpoints by theirs.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "tests/e2e/https_edge.h"

namespace weir::testing {
namespace {

/// An edge that asks clients for certificates of its own authority.
class Guarded : public HttpsEdge {
 public:
  explicit Guarded(const std::string& more = "", ConfigText config = {}) : HttpsEdge({}, std::move(config)) {
    auto changed = weir->config();
    changed.listener.back() = tls_text({files}, {"client_ca: " + authority.ca() + more});
    weir->reload(changed);
  }

  TlsOptions bearer(const CertificateFiles& shown) const {
    TlsOptions tls = options();
    tls.chain = shown.chain;
    tls.key = shown.key;
    return tls;
  }
  CertificateFiles alice = authority.issue("alice", {.names = {"alice.example"}, .subject = "alice"});
};

TEST(ClientCertificate, IsRequired) {
  Guarded edge;
  EXPECT_EQ(edge.fetch(get("/"), edge.bearer(edge.alice)).body, "served");
  EXPECT_EQ(edge.fetch(get("/")).status, 0);
  TlsOptions old = edge.options();
  old.max_version = "1.2";
  EXPECT_FALSE(edge.client(old).secured());
  EXPECT_TRUE(wait_until([&] { return edge.handshakes("certificate") == 2; }));
}

TEST(ClientCertificate, OfAnotherSignerOrExpiredIsRefused) {
  Guarded edge;
  Authority other(edge.directory.path(), "other");
  const auto mallory = other.issue("mallory", {.names = {"alice.example"}, .subject = "alice"});
  const auto old = edge.authority.issue("old", {.names = {"alice.example"}, .from_days = -9, .to_days = -1});
  for (const auto& shown : {mallory, old}) EXPECT_EQ(edge.fetch(get("/"), edge.bearer(shown)).status, 0);
  EXPECT_TRUE(wait_until([&] { return edge.handshakes("certificate") == 2; }));
  EXPECT_TRUE(edge.origin.requests().empty());
}

TEST(ClientCertificate, ThatIsRevokedIsRefusedOnceTheListSaysSoWithAnOldTicketToo) {
  Guarded edge;
  const auto bob = edge.authority.issue("bob", {.names = {"bob.example"}});
  TlsOptions before = edge.bearer(bob);
  Client client = edge.client(before);
  client.send(get("/"));
  EXPECT_EQ(client.receive().status, 200);
  before.session = client.wire().tls()->session();
  auto config = edge.weir->config();
  config.listener.back() = HttpsEdge::tls_text(
      {edge.files},
      {"client_ca: " + edge.authority.ca(), "client_crl: " + edge.authority.revoke("bob.crl", {bob.chain})});
  edge.weir->reload(config);
  EXPECT_EQ(edge.fetch(get("/"), edge.bearer(bob)).status, 0);
  EXPECT_EQ(edge.fetch(get("/"), before).status, 0);
  EXPECT_EQ(edge.fetch(get("/"), edge.bearer(edge.alice)).status, 200);
}

TEST(ClientCertificate, ThatIsRevokedEndsTheConnectionThatWasMadeWithItBefore) {
  Guarded edge;
  const auto bob = edge.authority.issue("bob", {.names = {"bob.example"}});
  Client client = edge.client(edge.bearer(bob));
  client.send(get("/"));
  EXPECT_EQ(client.receive().status, 200);
  auto config = edge.weir->config();
  config.listener.back() = HttpsEdge::tls_text(
      {edge.files},
      {"client_ca: " + edge.authority.ca(), "client_crl: " + edge.authority.revoke("bob.crl", {bob.chain})});
  edge.weir->reload(config);
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(client.end(), End::clean);
}

TEST(ClientCertificate, AListThatRevokesNobodyElseEndsNothing) {
  Guarded edge;
  const auto bob = edge.authority.issue("bob", {.names = {"bob.example"}});
  const auto with = [&](const std::string& list, const std::string& signers) {
    auto config = edge.weir->config();
    config.listener.back() = HttpsEdge::tls_text({edge.files}, {"client_ca: " + signers, "client_crl: " + list});
    edge.weir->reload(config);
  };
  with(edge.authority.revoke("one.crl", {bob.chain}, 1), edge.authority.ca());
  TlsOptions alice = edge.bearer(edge.alice);
  Client client = edge.client(alice);
  client.send(get("/"));
  EXPECT_EQ(client.receive().status, 200);
  alice.session = client.wire().tls()->session();
  with(edge.authority.revoke("two.crl", {bob.chain}, 2), edge.authority.ca());
  client.send(get("/"));
  EXPECT_EQ(client.receive().status, 200);
  Client again = edge.client(alice);
  EXPECT_TRUE(again.wire().tls()->resumed()) << "and tickets hold";
  again.close();
  Authority other(edge.directory.path(), "other");
  const std::string both = edge.directory.path() + "/both.pem";
  write_file(both, read_file(edge.authority.ca()) + read_file(other.ca()));
  with(edge.authority.revoke("three.crl", {bob.chain}, 3), both);
  client.send(get("/"));
  EXPECT_EQ(client.receive().status, 200) << "somebody more is let in";
}

TEST(ClientCertificate, IsAskedOfThoseTooWhoAreConnectedInPlainText) {
  Origin origin(ok("served"));
  const auto weir = weir_with({.old_endpoints = {origin.address()}});
  Client idle(weir->edge()), busy(weir->edge());
  for (Client* client : {&idle, &busy}) {
    client->send(get("/"));
    EXPECT_EQ(client->receive().status, 200);
  }
  busy.send("POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 4\r\n\r\nab");
  ASSERT_TRUE(wait_until([&] { return origin.requests().size() == 3; }));
  const Directory directory;
  Authority authority(directory.path());
  auto config = weir->config();
  config.listener.push_back(
      HttpsEdge::tls_text({authority.issue("edge", {.names = {"shop.example"}})}, {"client_ca: " + authority.ca()}));
  weir->reload(config);
  EXPECT_TRUE(idle.closed());
  busy.send("cd");
  EXPECT_EQ(busy.receive("POST").status, 200) << "what is under way is finished";
  EXPECT_TRUE(busy.closed());
}

TEST(ClientCertificate, OfASignerWithoutAListIsRefusedAndTheSignerToldByName) {
  Guarded edge;
  Authority other(edge.directory.path(), "other");
  const auto bob = other.issue("bob", {.names = {"bob.example"}});
  const std::string signers = edge.directory.path() + "/signers.pem", lists = edge.directory.path() + "/lists.pem";
  write_file(signers, read_file(edge.authority.ca()) + read_file(other.ca()));
  const std::string first = read_file(edge.authority.revoke("first.crl", {})),
                    second = read_file(other.revoke("second.crl", {}));
  write_file(lists, first);
  auto config = edge.weir->config();
  config.listener.back() = HttpsEdge::tls_text({edge.files}, {"client_ca: " + signers, "client_crl: " + lists});
  edge.weir->reload(config);
  const std::string told = "client_crl: " + lists + " has no list of CN=other,O=Shop of " + signers;
  EXPECT_NE(edge.weir->log().find(told), std::string::npos) << edge.weir->log();
  EXPECT_NE(run(weir_program(), {"check", "-c", edge.weir->file()}).errors.find(told), std::string::npos);
  EXPECT_EQ(edge.weir->log().find("no list of CN=authority"), std::string::npos);
  EXPECT_EQ(edge.fetch(get("/"), edge.bearer(bob)).status, 0);
  EXPECT_EQ(edge.fetch(get("/"), edge.bearer(edge.alice)).status, 200);
  write_file(lists, first + second);
  EXPECT_TRUE(wait_until([&] { return edge.fetch(get("/"), edge.bearer(bob)).status == 200; }));
}

TEST(ClientCertificate, WhoseSignerIsRevokedByTheOneAboveItIsRefused) {
  Guarded edge;
  Authority team(edge.directory.path(), "team", edge.authority);
  const auto bob = team.issue("bob", {.names = {"bob.example"}});
  const std::string lists = edge.directory.path() + "/lists.pem", of_team = read_file(team.revoke("team.crl", {}));
  write_file(lists, of_team + read_file(edge.authority.revoke("above.crl", {})));
  auto config = edge.weir->config();
  config.listener.back() =
      HttpsEdge::tls_text({edge.files}, {"client_ca: " + edge.authority.ca(), "client_crl: " + lists});
  edge.weir->reload(config);
  EXPECT_EQ(edge.fetch(get("/"), edge.bearer(bob)).status, 200);
  write_file(lists, of_team + read_file(edge.authority.revoke("above.crl", {team.ca()})));
  EXPECT_TRUE(wait_until([&] { return edge.fetch(get("/"), edge.bearer(bob)).status == 0; }));
  EXPECT_EQ(edge.fetch(get("/"), edge.bearer(edge.alice)).status, 200);
  write_file(lists, of_team);  // the one above may be without a list
  EXPECT_TRUE(wait_until([&] { return edge.fetch(get("/"), edge.bearer(bob)).status == 200; }));
  EXPECT_EQ(edge.fetch(get("/"), edge.bearer(edge.alice)).status, 0);
}

TEST(ClientCertificate, IsRequiredOfThoseTooWhoCameWithoutOneBefore) {
  for (const char* const version : {"1.2", ""}) {
    Guarded edge(", client_certificate: request");
    TlsOptions before = edge.options();
    before.max_version = version;
    Client client = edge.client(before);
    client.send(get("/"));
    EXPECT_EQ(client.receive().status, 200);
    before.session = client.wire().tls()->session();
    Client again = edge.client(before);
    ASSERT_TRUE(again.secured());
    EXPECT_TRUE(again.wire().tls()->resumed()) << "the ticket is a good one";
    auto config = edge.weir->config();
    config.listener.back() = HttpsEdge::tls_text({edge.files}, {"client_ca: " + edge.authority.ca()});
    edge.weir->reload(config);
    EXPECT_EQ(edge.fetch(get("/"), before).status, 0) << version;
    EXPECT_EQ(edge.fetch(get("/"), edge.bearer(edge.alice)).status, 200);
  }
}

TEST(ClientCertificate, MayBeLeftOutWhereItIsRequested) {
  Guarded edge(", client_certificate: request");
  EXPECT_EQ(edge.fetch(get("/")).status, 200);
  EXPECT_EQ(edge.fetch(get("/"), edge.bearer(edge.alice)).status, 200);
}

/// RFC 9440 §2.2: what is between the lines of a PEM file is the DER bytes in base64 already.
std::string client_cert_of(const CertificateFiles& shown) {
  std::string text = read_file(shown.chain);
  const std::string begin = "-----BEGIN CERTIFICATE-----";
  text = text.substr(begin.size(), text.find("-----END") - begin.size());
  std::erase(text, '\n');
  return ":" + text + ":";
}

TEST(ClientCertificate, IsToldToEndpointsWhereThatIsWishedWhateverTheClientSays) {
  Guarded edge(", client_certificate: request, forward_client_certificate: true",
               {.listener = {"trusted_proxies: [127.0.0.0/8]"}});
  const std::string lie = "Client-Cert: :bWU=:\r\nClient-Cert-Chain: :bWU=:\r\n";
  const auto told = [&](const TlsOptions& options) {
    EXPECT_EQ(edge.fetch(get("/", "shop.example", lie), options).status, 200);
    const Fields fields = edge.origin.requests().back().fields;
    EXPECT_FALSE(fields.has("Client-Cert-Chain"));
    EXPECT_LE(fields.count("Client-Cert"), 1u);
    return fields.get("Client-Cert");
  };
  EXPECT_EQ(told(edge.bearer(edge.alice)), client_cert_of(edge.alice));
  EXPECT_EQ(told(edge.options()), "");
  TlsOptions again = edge.bearer(edge.alice);
  Client first = edge.client(again);
  first.send(get("/") + get("/"));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(first.receive().status, 200);
  again.session = first.wire().tls()->session();
  ASSERT_TRUE(edge.client(again).wire().tls()->resumed());
  EXPECT_EQ(told(again), client_cert_of(edge.alice));
  auto config = edge.weir->config();
  config.listener.back() =
      HttpsEdge::tls_text({edge.files}, {"client_ca: " + edge.authority.ca() + ", client_certificate: request"});
  edge.weir->reload(config);
  EXPECT_EQ(edge.fetch(get("/", "shop.example", lie), edge.bearer(edge.alice)).status, 200);
  EXPECT_EQ(edge.origin.requests().back().fields.get("Client-Cert"), ":bWU=:") << "a trusted peer's to say, then";
}

TEST(ClientCertificate, IsAConditionOfARule) {
  Origin fresh("new");
  ConfigText config;
  config.new_endpoints = {fresh.address()};
  config.rules = {
      "{ name: alice, when: { client_cert: { subject: { regex: CN=alice } } }, send: new }",
      "{ name: some, when: { client_cert: { fingerprint: { present: true } }, path_prefix: /some }, send: new }"};
  Guarded edge(", client_certificate: request", config);
  const auto bob = edge.authority.issue("bob", {.names = {"bob.example"}});
  EXPECT_EQ(edge.fetch(get("/"), edge.bearer(edge.alice)).body, "new");
  EXPECT_EQ(edge.fetch(get("/"), edge.bearer(bob)).body, "served");
  EXPECT_EQ(edge.fetch(get("/some"), edge.bearer(bob)).body, "new");
  EXPECT_EQ(edge.fetch(get("/some")).body, "served");
  auto exact = edge.weir->config();
  exact.rules = {"{ when: { client_cert: { fingerprint: " + fingerprint_of(bob.chain) + " } }, send: new }"};
  edge.weir->reload(exact);
  EXPECT_EQ(edge.fetch(get("/"), edge.bearer(bob)).body, "new");
  EXPECT_EQ(edge.fetch(get("/"), edge.bearer(edge.alice)).body, "served");
}

TEST(ClientCertificate, IsACohortKey) {
  ConfigText config;
  config.new_endpoints = {"127.0.0.1:9"};
  config.keys = {"client_cert:subject"};
  config.salt = "by-certificate";
  config.service = {"reveal: all"};
  Guarded edge(", client_certificate: request", config);
  const Finished bucket = run(weir_program(), {"bucket", "--salt", "by-certificate", "CN=alice,O=Shop"});
  const std::string expected = bucket.output.substr(bucket.output.find('\t') + 1);
  const Response response = edge.fetch(get("/"), edge.bearer(edge.alice));
  EXPECT_EQ(response.fields.get("X-Weir-Reason"), "split bucket=" + expected.substr(0, expected.find('\n')));
  EXPECT_EQ(edge.fetch(get("/")).fields.get("X-Weir-Reason"), "without_key");
}

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
        if (!at_once) EXPECT_GT(::recv(caller, hello.data(), hello.size(), 0), 0);
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
