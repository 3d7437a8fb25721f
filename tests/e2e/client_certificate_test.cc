// Clients by their certificates: who is let in, and as whom.
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

}  // namespace
}  // namespace weir::testing
