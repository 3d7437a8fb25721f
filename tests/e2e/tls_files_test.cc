// Certificates change while weir runs; a bad one changes nothing, and is told by name.
#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "tests/e2e/https_edge.h"

namespace weir::testing {
namespace {

namespace fs = std::filesystem;

std::string subject_served(const HttpsEdge& edge) {
  Client client = edge.client();
  return client.secured() ? client.wire().tls()->peer_subject() : "none";
}

double failed_loads(const HttpsEdge& edge) {
  return edge.weir->metrics().sum("weir_config_reloads_total", {{"result", "failure"}});
}

void copy(const std::string& from, const std::string& to) { replace_file(to, read_file(from)); }

TEST(TlsFiles, AReplacedPairIsServedWithoutAFailedHandshake) {
  HttpsEdge edge;
  const auto renewed = edge.authority.issue("renewed", {.names = {"shop.example"}, .subject = "renewed"});
  std::atomic<bool> over{false};
  std::atomic<size_t> failed{0}, met{0};
  std::thread client([&] {
    while (!over) {
      ++(edge.client().secured() ? met : failed);
    }
  });
  ASSERT_TRUE(wait_until([&] { return met > 3; }));
  copy(renewed.key, edge.files.key);  // as certbot does: one file after the other
  copy(renewed.chain, edge.files.chain);
  EXPECT_TRUE(wait_until([&] { return subject_served(edge) == "renewed"; }));
  over = true;
  client.join();
  EXPECT_EQ(failed, 0u);
  EXPECT_GT(met, 3u);
}

TEST(TlsFiles, LinksThatAreSwappedAreSeen) {
  HttpsEdge edge;
  const auto one = edge.authority.issue("one", {.names = {"shop.example"}, .subject = "one"});
  const auto two = edge.authority.issue("two", {.names = {"shop.example"}, .subject = "two"});
  // A mounted secret: NAME -> ..data/NAME, and ..data is swapped as a whole.
  const std::string mount = edge.directory / "mount";
  for (const auto* files : {&one, &two}) {
    const std::string folder = mount + (files == &one ? "/..1" : "/..2");
    fs::create_directories(folder);
    fs::copy_file(files->chain, folder + "/tls.crt");
    fs::copy_file(files->key, folder + "/tls.key");
  }
  fs::create_symlink("..1", mount + "/..data");
  fs::create_symlink("..data/tls.crt", mount + "/tls.crt");
  fs::create_symlink("..data/tls.key", mount + "/tls.key");
  auto config = edge.weir->config();
  config.listener.back() = HttpsEdge::tls_text({{mount + "/tls.crt", mount + "/tls.key"}});
  edge.weir->reload(config);
  ASSERT_TRUE(wait_until([&] { return subject_served(edge) == "one"; }));
  fs::create_symlink("..2", mount + "/..next");
  fs::rename(mount + "/..next", mount + "/..data");
  EXPECT_TRUE(wait_until([&] { return subject_served(edge) == "two"; }));
  EXPECT_EQ(failed_loads(edge), 0);
}

TEST(TlsFiles, ConnectionsAndTicketsOutliveAChangeOfCertificates) {
  HttpsEdge edge;
  Client open = edge.client();
  open.send(get("/"));
  open.receive();
  TlsOptions again = edge.options();
  again.session = open.wire().tls()->session();
  const auto renewed = edge.authority.issue("renewed", {.names = {"shop.example"}, .subject = "renewed"});
  auto config = edge.weir->config();
  config.listener.back() = HttpsEdge::tls_text({renewed});
  edge.weir->reload(config);
  open.send(get("/"));
  EXPECT_EQ(open.receive().body, "served");
  EXPECT_TRUE(edge.client(again).wire().tls()->resumed());
}

TEST(TlsFiles, AHandshakeUnderWayIsFinishedWithTheCertificateItBeganWith) {
  HttpsEdge edge({}, {.timeouts = {{"tls_handshake", "1h"}}});
  Wire wire(connect_to(edge.weir->edge()));
  ASSERT_TRUE(wait_until([&] { return edge.weir->metrics().sum("weir_connections") == 1; }));
  const auto renewed = edge.authority.issue("renewed", {.names = {"shop.example"}, .subject = "renewed"});
  auto config = edge.weir->config();
  config.listener.back() = HttpsEdge::tls_text({renewed}, {"min_version: 1.3"});
  edge.weir->reload(config);
  ASSERT_TRUE(wait_until([&] { return subject_served(edge) == "renewed"; }));
  ASSERT_TRUE(wire.secure(TlsSide::client(wire.socket().descriptor(), edge.options()), within(kPatience)));
  EXPECT_EQ(wire.tls()->peer_subject(), "first");
  wire.send(get("/"), within(kPatience));
  EXPECT_EQ(read_response(wire, "GET", within(kPatience)).body, "served");
}

struct Bad {
  std::string name, told;
  std::function<std::string(HttpsEdge&)> certificate;  // as the configuration would name it
};

class BadCertificate : public ::testing::TestWithParam<Bad> {};

TEST_P(BadCertificate, ChangesNothingAndIsToldByName) {
  HttpsEdge edge;
  const std::string tls = "tls: { certificates: [" + GetParam().certificate(edge) + "] }";
  auto config = edge.weir->config();
  config.listener.back() = tls;
  write_file(edge.weir->file(), config.text());
  ASSERT_TRUE(edge.weir->program().wait_for_text("was not loaded"));
  EXPECT_NE(edge.weir->log().find(GetParam().told), std::string::npos) << edge.weir->log();
  EXPECT_EQ(subject_served(edge), "first");
  EXPECT_EQ(edge.weir->metrics().sum("weir_config_last_reload_successful"), 0);
  const Finished check = run(weir_program(), {"check", "-c", edge.weir->file()});
  EXPECT_EQ(check.code, 3);
  EXPECT_NE(check.errors.find(GetParam().told), std::string::npos) << check.errors;
  EXPECT_NE(check.errors.find("weir.yaml:"), std::string::npos) << check.errors;
}

INSTANTIATE_TEST_SUITE_P(
    Bad, BadCertificate,
    ::testing::Values(Bad{"Mismatched", "other.key does not belong to the first certificate of",
                          [](HttpsEdge& edge) {
                            const auto other = edge.authority.issue("other", {.names = {"shop.example"}});
                            return certificate_text({edge.files.chain, other.key});
                          }},
                      Bad{"Expired", "old.pem expired at",
                          [](HttpsEdge& edge) {
                            return certificate_text(edge.authority.issue(
                                "old", {.names = {"shop.example"}, .from_days = -30, .to_days = -1}));
                          }},
                      Bad{"NotYetValid", "soon.pem is not valid before",
                          [](HttpsEdge& edge) {
                            return certificate_text(edge.authority.issue(
                                "soon", {.names = {"shop.example"}, .from_days = 2, .to_days = 30}));
                          }},
                      Bad{"Missing", "nowhere.pem cannot be read",
                          [](HttpsEdge& edge) {
                            return certificate_text({edge.directory / "nowhere.pem", edge.files.key});
                          }},
                      Bad{"Nonsense", "nonsense.pem holds no certificate in PEM form",
                          [](HttpsEdge& edge) {
                            write_file(edge.directory / "nonsense.pem", "nonsense");
                            return certificate_text({edge.directory / "nonsense.pem", edge.files.key});
                          }},
                      Bad{"APipe", "pipe cannot be read: it is no regular file",
                          [](HttpsEdge& edge) {
                            EXPECT_EQ(::mkfifo((edge.directory / "pipe").c_str(), 0600), 0);
                            return certificate_text({edge.directory / "pipe", edge.files.key});
                          }},
                      Bad{"ADevice", "/dev/zero cannot be read: it is no regular file",
                          [](HttpsEdge& edge) {
                            return certificate_text({edge.files.chain, "/dev/zero"});
                          }},
                      Bad{"AskingForAPassphrase", "asking.pem holds no certificate in PEM form",
                          [](HttpsEdge& edge) {
                            write_file(edge.directory / "asking.pem",
                                       "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,"
                                       "00112233445566778899AABBCCDDEEFF\n\nAAAA\n-----END CERTIFICATE-----\n");
                            return certificate_text({edge.directory / "asking.pem", edge.files.key});
                          }},
                      Bad{"Locked", "locked.key is encrypted; name a passphrase_file",
                          [](HttpsEdge& edge) {
                            return certificate_text(
                                edge.authority.issue("locked", {.names = {"shop.example"}, .passphrase = "open"}));
                          }},
                      Bad{"LockedOtherwise", "locked.key is not opened by the passphrase in",
                          [](HttpsEdge& edge) {
                            const auto files =
                                edge.authority.issue("locked", {.names = {"shop.example"}, .passphrase = "open"});
                            write_file(edge.directory / "word", "sesame\n");
                            return fmt::format("{{ chain: {}, key: {}, passphrase_file: {} }}", files.chain, files.key,
                                               edge.directory / "word");
                          }}),
    [](const auto& info) { return info.param.name; });

TEST(TlsFiles, EveryBadFileIsToldAtOnce) {
  HttpsEdge edge;
  auto config = edge.weir->config();
  config.listener.back() =
      "tls: { certificates: [{ chain: /no/1.pem, key: /no/1.key }, { chain: /no/2.pem, key: /no/2.key }] }";
  write_file(edge.directory / "bad.yaml", config.text());
  const Finished check = run(weir_program(), {"check", "-c", edge.directory / "bad.yaml"});
  for (const char* file : {"/no/1.pem", "/no/1.key", "/no/2.pem", "/no/2.key"})
    EXPECT_NE(check.errors.find(file), std::string::npos) << check.errors;
}

TEST(TlsFiles, AKeyThatComesLateIsLoadedWhenItIsThere) {
  HttpsEdge edge;
  const auto renewed = edge.authority.issue("renewed", {.names = {"shop.example"}, .subject = "renewed"});
  copy(renewed.chain, edge.files.chain);
  ASSERT_TRUE(wait_until([&] { return failed_loads(edge) > 0; }));
  EXPECT_EQ(subject_served(edge), "first");
  copy(renewed.key, edge.files.key);
  EXPECT_TRUE(wait_until([&] { return subject_served(edge) == "renewed"; }));
}

TEST(TlsFiles, APairThatIsRenamedInOneGoIsLoadedAsOne) {
  HttpsEdge edge;
  for (int i = 0; i < 10; ++i) {
    const std::string subject = fmt::format("renewed-{}", i);
    const auto renewed = edge.authority.issue(subject, {.names = {"shop.example"}, .subject = subject});
    fs::rename(renewed.key, edge.files.key);
    fs::rename(renewed.chain, edge.files.chain);
    ASSERT_TRUE(wait_until([&] { return subject_served(edge) == subject; }));
  }
  EXPECT_EQ(failed_loads(edge), 0);
}

TEST(TlsFiles, OneThatIsOverDoesNotHoldUpTheRenewalOfAnother) {
  const Directory directory;
  Authority authority(directory.path());
  const auto live = authority.issue("live", {.names = {"shop.example"}, .subject = "first"});
  const auto over = authority.issue("over", {.names = {"old.example"}, .from_days = -30, .to_days = -1});
  const auto renewed = authority.issue("renewed", {.names = {"shop.example"}, .subject = "renewed"});
  const auto other = authority.issue("other", {.names = {"other.example"}, .from_days = -30, .to_days = -1});
  const auto weir = weir_with({.old_endpoints = {"127.0.0.1:9"}, .listener = {HttpsEdge::tls_text({live, over})}});
  const auto served = [&] {
    Client client(weir->edge(), {.tls = TlsOptions{.server_name = "shop.example"}});
    return client.wire().tls()->peer_subject();
  };
  EXPECT_EQ(served(), "first");
  copy(renewed.key, live.key);
  copy(renewed.chain, live.chain);
  EXPECT_TRUE(wait_until([&] { return served() == "renewed"; })) << weir->log();
  auto config = weir->config();
  config.listener.back() = HttpsEdge::tls_text({live, over, other});
  write_file(weir->file(), config.text());
  EXPECT_TRUE(weir->program().wait_for_text("was not loaded")) << "another one that is over is not taken";
}

TEST(TlsFiles, OneThatIsNotValidYetIsLoadedWhenItIs) {
  HttpsEdge edge;
  const auto renewed = edge.authority.issue(
      "renewed", {.names = {"shop.example"}, .subject = "renewed", .from_days = 0, .from_seconds = 4});
  copy(renewed.key, edge.files.key);
  copy(renewed.chain, edge.files.chain);
  ASSERT_TRUE(edge.weir->program().wait_for_text("is not valid before"));
  EXPECT_EQ(subject_served(edge), "first");
  EXPECT_TRUE(wait_until([&] { return subject_served(edge) == "renewed"; })) << "no file changes any more";
}

TEST(TlsFiles, ADirectoryOnTheirWayThatIsSwappedIsSeen) {
  HttpsEdge edge;
  const std::string root = edge.directory / "root";
  const auto put = [&](const std::string& folder, const std::string& subject) {
    const auto files = edge.authority.issue(subject, {.names = {"shop.example"}, .subject = subject});
    fs::create_directories(root + folder);
    fs::copy_file(files.chain, root + folder + "/tls.crt");
    fs::copy_file(files.key, root + folder + "/tls.key");
  };
  put("/r1/tls", "one");
  put("/r2/tls", "two");
  put("/r3", "three");
  fs::create_symlink("r1", root + "/current");
  auto config = edge.weir->config();
  config.listener.back() = HttpsEdge::tls_text({{root + "/current/tls/tls.crt", root + "/current/tls/tls.key"}});
  edge.weir->reload(config);
  ASSERT_TRUE(wait_until([&] { return subject_served(edge) == "one"; }));
  fs::create_symlink("r2", root + "/next");
  fs::rename(root + "/next", root + "/current");
  EXPECT_TRUE(wait_until([&] { return subject_served(edge) == "two"; })) << "a link to a directory";
  fs::rename(root + "/r2/tls", root + "/r2/before");
  fs::rename(root + "/r3", root + "/r2/tls");
  EXPECT_TRUE(wait_until([&] { return subject_served(edge) == "three"; })) << "a directory itself";
}

TEST(TlsFiles, AListOfRevocationsThatWouldLetNobodyInIsNotTaken) {
  HttpsEdge edge;
  const Directory elsewhere;
  Authority namesake(elsewhere.path());  // of the same name, with another key
  const auto alice = edge.authority.issue("alice", {.names = {"alice.example"}});
  TlsOptions shown = edge.options();
  shown.chain = alice.chain;
  shown.key = alice.key;
  const std::string list = edge.authority.revoke("list.crl", {});
  auto config = edge.weir->config();
  config.listener.back() =
      HttpsEdge::tls_text({edge.files}, {"client_ca: " + edge.authority.ca(), "client_crl: " + list});
  edge.weir->reload(config);
  const auto refused = [&](const std::string& other, const std::string& why) {
    copy(other, list);
    EXPECT_TRUE(edge.weir->program().wait_for_text(why)) << edge.weir->log();
    const Finished check = run(weir_program(), {"check", "-c", edge.weir->file()});
    EXPECT_EQ(check.code, 3);
    EXPECT_NE(check.errors.find(why), std::string::npos) << check.errors;
    EXPECT_EQ(edge.fetch(get("/"), shown).body, "served");
  };
  write_file(edge.directory / "both",
             read_file(edge.authority.revoke("over.crl", {}, -1, -3 * 86'400)) + read_file(list));
  copy(edge.directory / "both", list);
  ASSERT_TRUE(wait_until([&] {
    return edge.weir->log().find("reloaded", edge.weir->log().find("reloaded") + 1) != std::string::npos;
  })) << "one that is over is no matter beside one that holds: "
      << edge.weir->log();
  EXPECT_EQ(edge.fetch(get("/"), shown).body, "served");
  refused(namesake.revoke("list.crl", {}), "list.crl: the list of CN=authority,O=Shop is not signed by");
  refused(edge.authority.revoke("soon.crl", {}, 1, 3600), "list.crl is not valid before");
}

TEST(TlsFiles, WhatHoldsForEverHolds) {
  HttpsEdge edge;
  constexpr int kToTheYear9990 = 7'960 * 365;
  const auto chain =
      edge.authority.issue("ever", {.names = {"shop.example"}, .subject = "ever", .to_days = kToTheYear9990});
  const auto alice = edge.authority.issue("alice", {.names = {"alice.example"}, .to_days = kToTheYear9990});
  auto config = edge.weir->config();
  config.listener.back() = HttpsEdge::tls_text(
      {chain}, {"client_ca: " + edge.authority.ca(), "client_crl: " + edge.authority.revoke("endless.crl", {}, 0)});
  edge.weir->reload(config);
  EXPECT_EQ(edge.weir->log().find("expired"), std::string::npos) << edge.weir->log();
  TlsOptions shown = edge.options();
  shown.chain = alice.chain;
  shown.key = alice.key;
  Client client = edge.client(shown);
  client.send(get("/"));
  EXPECT_EQ(client.receive().body, "served");
  shown.session = client.wire().tls()->session();
  client.close();
  EXPECT_TRUE(edge.client(shown).wire().tls()->resumed());
}

TEST(TlsFiles, ASignerOfClientsWhoLetsNobodyInIsWarnedOf) {
  HttpsEdge edge;
  const auto leaf = edge.authority.issue("leaf", {.names = {"leaf.example"}, .from_days = -30, .to_days = -1});
  auto config = edge.weir->config();
  config.listener.back() = HttpsEdge::tls_text({edge.files}, {"client_ca: " + leaf.chain});
  write_file(edge.directory / "leaf.yaml", config.text());
  const Finished check = run(weir_program(), {"check", "-c", edge.directory / "leaf.yaml"});
  EXPECT_EQ(check.code, 0);
  for (const char* told : {"CN=leaf.example,O=Shop expired at", "CN=leaf.example,O=Shop may sign no certificates"})
    EXPECT_NE(check.errors.find(told), std::string::npos) << check.errors;
}

TEST(TlsFiles, WhenTheyExpireIsInTheMetrics) {
  HttpsEdge edge;
  const double expires = edge.weir->metrics().sum("weir_tls_certificate_expiry_timestamp_seconds",
                                                  {{"listener", "edge"}, {"certificate", edge.files.chain}});
  EXPECT_NEAR(expires, static_cast<double>(std::time(nullptr) + 30 * 86'400), 3600);
}

TEST(TlsFiles, AListOfRevocationsThatIsOverIsToldByName) {
  HttpsEdge edge;
  const std::string asks = "client_ca: " + edge.authority.ca();
  const auto with = [&](const std::string& list) {
    return HttpsEdge::tls_text({edge.files}, {asks, "client_crl: " + list});
  };
  const std::string fresh = edge.authority.revoke("fresh.crl", {}), old = edge.authority.revoke("old.crl", {}, -1);
  auto config = edge.weir->config();
  config.listener.back() = with(fresh);
  edge.weir->reload(config);
  EXPECT_GT(edge.weir->metrics().sum("weir_tls_certificate_expiry_timestamp_seconds", {{"certificate", fresh}}),
            static_cast<double>(std::time(nullptr)));
  config.listener.back() = with(old);
  write_file(edge.weir->file(), config.text());
  ASSERT_TRUE(edge.weir->program().wait_for_text("was not loaded"));
  const Finished check = run(weir_program(), {"check", "-c", edge.weir->file()});
  EXPECT_EQ(check.code, 3);
  for (const std::string& told : {edge.weir->log(), check.errors})
    EXPECT_NE(told.find("old.crl expired at"), std::string::npos) << told;
  const auto alice = edge.authority.issue("alice", {.names = {"alice.example"}});
  TlsOptions shown = edge.options();
  shown.chain = alice.chain;
  shown.key = alice.key;
  EXPECT_EQ(edge.fetch(get("/"), shown).body, "served") << "what was in force stays";
}

TEST(TlsFiles, AStartWithAnExpiredCertificateServesAndSaysSo) {
  const Directory directory;
  Authority authority(directory.path());
  const auto old = authority.issue("old", {.names = {"shop.example"}, .from_days = -30, .to_days = -1});
  Origin origin(ok("served"));
  const auto weir = weir_with({.old_endpoints = {origin.address()}, .listener = {HttpsEdge::tls_text({old})}});
  EXPECT_NE(weir->log().find("old.pem expired at"), std::string::npos) << weir->log();
  Client client(weir->edge(), {.tls = TlsOptions{}});
  client.send(get("/"));
  EXPECT_EQ(client.receive().body, "served");
}

}  // namespace
}  // namespace weir::testing
