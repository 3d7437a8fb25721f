// Coming back with a ticket: for how long, and as whom.
#include <openssl/ssl.h>
#include <signal.h>

#include <algorithm>

#include "tests/e2e/https_edge.h"
#include "tests/e2e/told_clock.h"

namespace weir::testing {
namespace {

using std::chrono::hours;

/// weir over TLS by a clock that the test tells.
class Clocked : public HttpsEdge {
 public:
  explicit Clocked(Told told, const std::vector<std::string>& more = {}) : HttpsEdge(more), clock_(told) {}

  /// Anew, by the clock and with these further keys of `tls`.
  void start(const std::vector<std::string>& more = {}) {
    ConfigText config = weir->config();
    config.listener.back() = tls_text({files}, more);
    weir->program().signal(SIGKILL);
    EXPECT_TRUE(weir->program().wait());
    weir = std::make_unique<Weir>(weir_program(), config, clock_.options());
  }
  void set(hours ahead) { clock_.set(ahead); }

 private:
  ToldClock clock_;
};

/// Comes with these options, is served, and has the session to come back with put into them.
bool come(const HttpsEdge& edge, TlsOptions& options) {
  Client client = edge.client(options);
  if (!client.secured()) return false;
  client.send(get("/"));
  if (client.receive().status != 200) return false;
  options.session = client.wire().tls()->session();
  client.close();
  return true;
}

/// Is it a ticket that opens the door?
bool comes_back(const HttpsEdge& edge, const TlsOptions& options) {
  Client client = edge.client(options);
  const bool resumed = client.secured() && client.wire().tls()->resumed();
  client.close();  // in order: OpenSSL gives up a session whose connection was not
  return resumed;
}

/// The key that a ticket is sealed with, as it says itself (RFC 5077 §4).
std::string key_of(const TlsOptions& options) {
  const unsigned char* bytes = nullptr;
  size_t size = 0;
  SSL_SESSION_get0_ticket(options.session.get(), &bytes, &size);
  return {reinterpret_cast<const char*>(bytes), std::min<size_t>(size, 16)};
}

TEST(TlsTickets, OutliveAChangeOfTheirKeyAndHoldForEightHours) {
  Clocked edge(Told::every);
  edge.start();
  edge.set(hours(5));
  TlsOptions visitor = edge.options();
  ASSERT_TRUE(come(edge, visitor));
  EXPECT_TRUE(comes_back(edge, visitor));
  edge.set(hours(9));
  EXPECT_TRUE(comes_back(edge, visitor)) << "with the key before this one";
  TlsOptions next = visitor;
  ASSERT_TRUE(come(edge, next));
  EXPECT_NE(key_of(next), key_of(visitor)) << "its key is as old as the process";
  edge.set(hours(14));
  EXPECT_FALSE(comes_back(edge, visitor));
  EXPECT_TRUE(comes_back(edge, next));
}

TEST(TlsTickets, AreAnotherProcessSecret) {
  HttpsEdge edge, other;
  TlsOptions visitor = edge.options();
  ASSERT_TRUE(come(edge, visitor));
  visitor.ca = other.authority.ca();
  EXPECT_FALSE(comes_back(other, visitor));
}

TEST(TlsTickets, OfAClientWhoseCertificateHasExpiredOpenNothing) {
  for (const char* version : {"1.3", "1.2"}) {
    Clocked edge(Told::of_the_day);
    edge.start({"client_ca: " + edge.authority.ca()});
    const auto alice = edge.authority.issue("alice", {.names = {"alice.example"}, .to_days = 30});
    TlsOptions visitor = edge.options();
    visitor.max_version = version;
    visitor.chain = alice.chain;
    visitor.key = alice.key;
    edge.set(hours(30 * 24 - 1));  // a ticket itself holds for longer
    ASSERT_TRUE(come(edge, visitor)) << version;
    EXPECT_TRUE(comes_back(edge, visitor)) << version;
    edge.set(hours(30 * 24 + 1));
    TlsOptions anew = visitor;
    EXPECT_FALSE(come(edge, anew)) << version << ": came back with what it had shown before";
    EXPECT_TRUE(wait_until([&] { return edge.handshakes("certificate") == 1; })) << version;
  }
}

TEST(TlsTickets, OfAClientOpenNothingOnceTheListOfRevocationsIsOver) {
  for (const char* version : {"1.3", "1.2"}) {
    Clocked edge(Told::of_the_day);
    edge.start({"client_ca: " + edge.authority.ca(), "client_crl: " + edge.authority.revoke("list.crl", {})});
    const auto alice = edge.authority.issue("alice", {.names = {"alice.example"}});
    TlsOptions visitor = edge.options();
    visitor.max_version = version;
    visitor.chain = alice.chain;
    visitor.key = alice.key;
    edge.set(hours(23));
    ASSERT_TRUE(come(edge, visitor)) << version;
    EXPECT_TRUE(comes_back(edge, visitor)) << version;
    edge.set(hours(25));
    EXPECT_FALSE(comes_back(edge, visitor)) << version;
    EXPECT_FALSE(come(edge, visitor)) << version;
  }
}

TEST(TlsTickets, OneAfterTheOtherDoNotOutliveWhatAClientWasVerifiedBy) {
  for (const bool asked : {true, false}) {
    Clocked edge(Told::every);
    edge.start(asked ? std::vector<std::string>{"client_ca: " + edge.authority.ca()} : std::vector<std::string>{});
    const auto alice = edge.authority.issue("alice", {.names = {"alice.example"}});
    TlsOptions visitor = edge.options();
    visitor.chain = alice.chain;
    visitor.key = alice.key;
    for (const int hour : {5, 9}) {  // keys change at 8
      edge.set(hours(hour));
      ASSERT_TRUE(come(edge, visitor)) << hour;
    }
    EXPECT_EQ(edge.handshakes("resumed"), 1);
    edge.set(hours(14));
    EXPECT_EQ(comes_back(edge, visitor), !asked) << "a ticket of five hours, of a certificate seen nine hours ago";
  }
}

TEST(TlsTickets, OfCiphersThatAreNoLongerWantedOpenNothing) {
  HttpsEdge edge;
  TlsOptions visitor = edge.options();
  visitor.max_version = "1.2";
  ASSERT_TRUE(come(edge, visitor));
  ASSERT_TRUE(comes_back(edge, visitor));
  auto config = edge.weir->config();
  config.listener.back() = HttpsEdge::tls_text({edge.files}, {"ciphers: [ECDHE-ECDSA-AES256-GCM-SHA384]"});
  edge.weir->reload(config);
  EXPECT_FALSE(comes_back(edge, visitor));
}

TEST(TlsTickets, OfAClientThatShowedNoCertificateOpenNothingOnceOneIsRequired) {
  for (const char* version : {"1.3", "1.2"}) {
    HttpsEdge edge;
    auto config = edge.weir->config();
    const std::string asks = "client_ca: " + edge.authority.ca();
    config.listener.back() = HttpsEdge::tls_text({edge.files}, {asks, "client_certificate: request"});
    edge.weir->reload(config);
    TlsOptions visitor = edge.options();
    visitor.max_version = version;
    ASSERT_TRUE(come(edge, visitor)) << version;
    EXPECT_TRUE(comes_back(edge, visitor)) << version;
    config.listener.back() = HttpsEdge::tls_text({edge.files}, {asks});
    edge.weir->reload(config);
    EXPECT_FALSE(come(edge, visitor)) << version;
    EXPECT_TRUE(wait_until([&] { return edge.handshakes("certificate") == 1; })) << version;
  }
}

TEST(TlsTickets, OfALargeClientCertificateKeepNobodyWaiting) {
  HttpsEdge edge;
  auto config = edge.weir->config();
  config.listener.back() = HttpsEdge::tls_text({edge.files}, {"client_ca: " + edge.authority.ca()});
  edge.weir->reload(config);
  CertificateWish many;
  for (int i = 0; i < 400; ++i) many.names.push_back(fmt::format("a-rather-long-name-of-host-{}.shop.example", i));
  const auto large = edge.authority.issue("large", many);
  TlsOptions visitor = edge.options();
  visitor.chain = large.chain;
  visitor.key = large.key;
  EXPECT_TRUE(come(edge, visitor));
  EXPECT_TRUE(comes_back(edge, visitor));
}

}  // namespace
}  // namespace weir::testing
