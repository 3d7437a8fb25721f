// The admin over TLS: certificates in place of the token, and whoever speaks something else to its port.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/proxy/admin_running.h"
#include "tests/support/authority.h"
#include "tests/support/client.h"
#include "tests/support/files.h"

namespace weir::admin {
namespace {

using namespace std::chrono_literals;
using testing::CertificateFiles;
using testing::Client;
using testing::TlsOptions;

config::ListenerTls tls_of(const CertificateFiles& files) {
  config::ListenerTls tls;
  tls.certificates = {{.chain = files.chain, .key = files.key}};
  tls.session_tickets = false;
  return tls;
}

std::shared_ptr<const net::TlsServer> load(const config::ListenerTls& tls) {
  auto loaded = net::TlsServer::load(tls, "admin", std::make_shared<net::TicketKeys>(), net::Dates::must_hold);
  EXPECT_TRUE(loaded) << loaded.problems().front().text();
  return loaded ? loaded->server : nullptr;
}

class AdminTls : public ::testing::Test {
 protected:
  AdminTls() { tls_.client_ca = operators_.ca(); }

  /// Serves with `tls_`; with a token if `token` is not empty.
  void start(const std::string& token = "") {
    options_.admin.tls = tls_;
    if (!token.empty()) {
      options_.admin.token_file = directory_ / "token";
      testing::write_file(options_.admin.token_file, token);
    }
    in_force_ = load(tls_);
    options_.tls = [this] { return in_force_; };
    running_ = std::make_unique<Running>(options_);
    ASSERT_EQ(running_->problem, "");
  }

  TlsOptions stranger() const { return {.ca = house_.ca(), .server_name = "weir.example"}; }
  TlsOptions bearing(const CertificateFiles& files) const {
    TlsOptions tls = stranger();
    tls.chain = files.chain;
    tls.key = files.key;
    return tls;
  }
  Client connect(const TlsOptions& tls) const { return Client(running_->address, {.tls = tls}); }
  /// The status of the answer; 0: there was none.
  int ask(const TlsOptions& tls, const std::string& request) const {
    Client client = connect(tls);
    if (!client.secured()) return 0;
    client.send(request);
    return client.receive().status;
  }

  testing::Directory directory_;
  testing::Authority house_{directory_.path(), "house"}, operators_{directory_.path(), "operators"};
  CertificateFiles own_ = house_.issue("own", {.names = {"weir.example", "127.0.0.1"}});
  CertificateFiles alice_ = operators_.issue("alice", {.names = {"alice.example"}, .subject = "alice"});
  CertificateFiles mallory_ = house_.issue("mallory", {.names = {"alice.example"}, .subject = "alice"});
  config::ListenerTls tls_ = tls_of(own_);
  Options options_ = options_at("127.0.0.1:0");
  std::shared_ptr<const net::TlsServer> in_force_;
  std::unique_ptr<Running> running_;
};

const std::string kServices = get("/api/v1/services");

TEST_F(AdminTls, ACertificateOfTheSignersOpensTheApi) {
  start();
  EXPECT_EQ(ask(bearing(alice_), kServices), 200);
  EXPECT_EQ(ask(bearing(alice_), get("/metrics")), 200);
}

TEST_F(AdminTls, WhereACertificateIsRequiredNobodyIsAnsweredWithout) {
  start("s3cret");
  const std::string with_token = get("/healthz", "Authorization: Bearer s3cret\r\n");
  EXPECT_EQ(ask(stranger(), with_token), 0);
  EXPECT_EQ(ask(bearing(mallory_), with_token), 0) << "signed by somebody else";
}

TEST_F(AdminTls, WhereACertificateIsAskedForTheTokenWillDoToo) {
  tls_.client_certificate = config::ClientCertificate::request;
  start("s3cret");
  EXPECT_EQ(ask(bearing(alice_), kServices), 200);
  EXPECT_EQ(ask(stranger(), get("/api/v1/services", "Authorization: Bearer s3cret\r\n")), 200);
  EXPECT_EQ(ask(stranger(), get("/api/v1/services", "Authorization: Bearer other\r\n")), 401);
  EXPECT_EQ(ask(stranger(), kServices), 401);
  EXPECT_EQ(ask(bearing(mallory_), kServices), 0) << "one that does not hold is refused, not passed over";
  EXPECT_EQ(ask(stranger(), get("/metrics")), 200) << "open as ever";
}

TEST_F(AdminTls, WithoutATokenAStrangerIsForbidden) {
  tls_.client_certificate = config::ClientCertificate::request;
  start();
  EXPECT_EQ(ask(stranger(), kServices), 403);
  EXPECT_EQ(ask(bearing(alice_), kServices), 200);
}

TEST_F(AdminTls, WithoutSignersTheTokenIsNeededStill) {
  tls_.client_ca.clear();
  start("s3cret");
  EXPECT_EQ(ask(bearing(alice_), kServices), 401) << "nobody asked for it, so that it proves nothing";
  EXPECT_EQ(ask(stranger(), get("/api/v1/services", "Authorization: Bearer s3cret\r\n")), 200);
}

TEST_F(AdminTls, ARevokedCertificateIsRefused) {
  tls_.client_crl = operators_.revoke("revoked.crl", {alice_.chain});
  start();
  EXPECT_EQ(ask(bearing(alice_), kServices), 0);
  const auto bob = operators_.issue("bob", {.names = {"bob.example"}, .subject = "bob"});
  EXPECT_EQ(ask(bearing(bob), kServices), 200);
}

TEST_F(AdminTls, PlainHttpIsToldSoInPlainText) {
  start();
  Client client(running_->address);
  client.send(get("/healthz"));
  const auto answer = client.receive();
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("https"), std::string::npos) << answer.body;
  EXPECT_TRUE(client.closed());
}

TEST_F(AdminTls, WhatIsNeitherIsHungUpOn) {
  start();
  for (const std::string& bytes : {std::string("\x16\x03\x01\x00\x05hello", 10), std::string("\x00\x01\x02\x03", 4)}) {
    Client client(running_->address);
    client.send(bytes);
    client.finish();
    client.receive_all();
    EXPECT_NE(client.end(), testing::End::timeout);
  }
  EXPECT_EQ(ask(bearing(alice_), kServices), 200);
}

TEST_F(AdminTls, SilentHandshakesKeepNobodyOut) {
  options_.max_connections = 16;
  options_.max_handshakes = 4;
  options_.handshake = 60s;
  start();
  std::vector<std::unique_ptr<Client>> silent;
  for (int i = 0; i < 20; ++i) silent.push_back(std::make_unique<Client>(running_->address));
  EXPECT_EQ(ask(bearing(alice_), kServices), 200);
  EXPECT_TRUE(silent.front()->closed()) << "the oldest gave its place";
}

TEST_F(AdminTls, AHandshakeThatDoesNotEndIsEnded) {
  options_.handshake = 100ms;
  start();
  Client silent(running_->address), slow(running_->address);
  slow.send(std::string("\x16\x03\x01\x02\x00\x01", 6));
  EXPECT_TRUE(silent.closed());
  EXPECT_TRUE(slow.closed());
}

TEST_F(AdminTls, AnotherCertificateIsShownFromTheNextHandshakeOn) {
  start();
  Client before = connect(bearing(alice_));
  const auto renewed = house_.issue("renewed", {.names = {"weir.example"}, .subject = "renewed"});
  config::ListenerTls next = tls_;
  next.certificates = {{.chain = renewed.chain, .key = renewed.key}};
  running_->on_its_thread([&] { in_force_ = load(next); });
  Client after = connect(bearing(alice_));
  EXPECT_EQ(after.wire().tls()->peer_subject(), "renewed");
  before.send(kServices);
  EXPECT_EQ(before.receive().status, 200) << "who is there already stays";
}

TEST_F(AdminTls, CarriesManyRequestsAndLargeAnswers) {
  start();
  running_->on_its_thread([&] { running_->page.assign(3 * 1024 * 1024, 'x'); });
  Client client = connect(bearing(alice_));
  for (int i = 0; i < 5; ++i) {
    client.send(get("/metrics"));
    ASSERT_EQ(client.receive().body.size(), 3u * 1024 * 1024) << i;
  }
  client.send(get("/healthz", "Connection: close\r\n"));
  EXPECT_EQ(client.receive().body, "ok\n");
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(client.end(), testing::End::clean) << "by close_notify, not cut short";
}

TEST_F(AdminTls, EventsComeAsTheyHappen) {
  start();
  Client client = connect(bearing(alice_));
  client.send(get("/api/v1/events"));
  EXPECT_EQ(client.receive_head().status, 200);
  const std::string begin = "retry: 2000\n\n", told = "event: reload\ndata: {}\n\n";
  EXPECT_EQ(client.receive_bytes(begin.size()), begin);
  running_->on_its_thread([&] { running_->control.tell({"reload", "{}"}); });
  EXPECT_EQ(client.receive_bytes(told.size()), told);
}

TEST_F(AdminTls, TheAuthorOfAChangeIsTheCertificatesSubject) {
  start();
  Client client = connect(bearing(alice_));
  client.send("POST /api/v1/services/shop/rollback HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(client.receive().status, 200);
  client.send(
      "POST /api/v1/services/shop/rollback HTTP/1.1\r\nHost: localhost\r\nX-Weir-Actor: deploy\r\n"
      "Content-Length: 0\r\n\r\n");
  EXPECT_EQ(client.receive().status, 200);
  std::vector<control::Author> authors;
  running_->on_its_thread([&] {
    for (const auto& wish : running_->control.rollbacks) authors.push_back(wish.author);
  });
  ASSERT_EQ(authors.size(), 2u);
  EXPECT_EQ(authors[0].name, "CN=alice,O=Shop");
  EXPECT_EQ(authors[1].name, "deploy");
  EXPECT_EQ(authors[1].from, "127.0.0.1 CN=alice,O=Shop") << "known, whatever name is given";
}

TEST_F(AdminTls, ASubjectThatCannotBeShownIsWrittenInBytes) {
  const auto odd = operators_.issue("odd", {.names = {"a.example"}, .subject = "ali\u202ece"});
  start();
  Client client = connect(bearing(odd));
  client.send(
      "POST /api/v1/services/shop/rollback HTTP/1.1\r\nHost: localhost\r\nX-Weir-Actor: deploy\r\nContent-Length: "
      "0\r\n\r\n");
  EXPECT_EQ(client.receive().status, 200);
  std::string from;
  running_->on_its_thread([&] { from = running_->control.rollbacks.at(0).author.from; });
  EXPECT_EQ(from, "127.0.0.1 CN=ali\\E2\\80\\AEce,O=Shop");
}

}  // namespace
}  // namespace weir::admin
