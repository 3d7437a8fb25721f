// The admin over TLS, asked by the command line and by clients: certificates in place of the token, renewed while it
// runs.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/e2e/https_edge.h"
#include "tests/support/files.h"
#include "tests/support/program.h"
#include "tests/support/tls_addresses.h"

namespace weir::testing {
namespace {

using Words = std::vector<std::string>;

/// weir whose admin believes who has a certificate of the operators' authority.
class AdminOverTls : public ::testing::Test {
 protected:
  /// `more`: further keys of its tls; `lines`: of the admin.
  void start(const std::string& more = "", const std::vector<std::string>& lines = {}) {
    ConfigText config;
    config.old_endpoints = {origin_.address()};
    config.new_endpoints = {origin_.address()};
    config.admin = chosen_tls_address(
        {.ca = house_.ca(), .server_name = "weir.example", .chain = alice_.chain, .key = alice_.key});
    config.admin_lines = lines;
    config.admin_lines.push_back(
        fmt::format("tls: {{ certificates: [{}], client_ca: {}{} }}", certificate_text(own_), operators_.ca(), more));
    weir_ = weir_with(std::move(config));
  }

  /// `weir WORDS` with the admin's address as the one to ask.
  Finished ask(Words words, std::vector<std::pair<std::string, std::string>> environment = {}) const {
    environment.insert(environment.end(), {{"WEIR_ADMIN", "https://" + weir_->admin()}, {"USER", "max"}});
    return run(weir_program(), words, {.environment = environment, .input = "", .directory = {}});
  }
  Words as_alice(Words words) const {
    words.insert(words.end(), {"--ca", house_.ca(), "--cert", alice_.chain, "--key", alice_.key});
    return words;
  }

  Directory directory_;
  Authority house_{directory_.path(), "house"}, operators_{directory_.path(), "operators"};
  std::string host_ = own_loopback();
  CertificateFiles own_ = house_.issue("own", {.names = {"weir.example", host_}, .subject = "first"});
  CertificateFiles alice_ = operators_.issue("alice", {.names = {"alice.example"}, .subject = "alice"});
  CertificateFiles mallory_ = house_.issue("mallory", {.names = {"alice.example"}, .subject = "alice"});
  Origin origin_;
  std::unique_ptr<Weir> weir_;
};

TEST_F(AdminOverTls, TheCommandLineChangesASplitByACertificate) {
  start();
  const Finished set = ask(as_alice({"split", "set", "shop", "new=25%"}));
  EXPECT_EQ(set.code, 0) << set.errors;
  const Finished shown =
      ask({"split", "show"}, {{"WEIR_CA", house_.ca()}, {"WEIR_CERT", alice_.chain}, {"WEIR_KEY", alice_.key}});
  EXPECT_EQ(shown.code, 0) << shown.errors;
  EXPECT_NE(shown.output.find("new 25%"), std::string::npos) << shown.output;
  const Finished told = ask(as_alice({"history"}));
  EXPECT_NE(told.output.find("max@"), std::string::npos) << told.output;
  EXPECT_NE(told.output.find("CN=alice"), std::string::npos) << "the name anybody can write, the certificate not";
}

TEST_F(AdminOverTls, TheKeyMayStandBesideTheCertificate) {
  start();
  write_file(directory_ / "both.pem", read_file(alice_.chain) + read_file(alice_.key));
  const Finished shown = ask({"split", "show", "--ca", house_.ca(), "--cert", directory_ / "both.pem"});
  EXPECT_EQ(shown.code, 0) << shown.errors;
}

TEST_F(AdminOverTls, TheCommandLineSaysWhyItIsRefused) {
  start();
  struct Case {
    Words words;
    std::string said;
  };
  const std::vector<Case> cases{
      {{"status", "--ca", house_.ca()}, "--cert"},
      {{"status", "--ca", house_.ca(), "--cert", mallory_.chain, "--key", mallory_.key}, "refused"},
      {{"status", "--ca", operators_.ca(), "--cert", alice_.chain, "--key", alice_.key}, "--ca"},
      {{"status", "--cert", alice_.chain, "--key", alice_.key}, "--ca"},
      {{"status", "--ca", directory_ / "nothing.pem"}, "nothing.pem"},
      {{"status", "--ca", house_.ca(), "--cert", alice_.chain, "--key", mallory_.key}, "mallory.key"},
      {{"status", "--admin", "http://" + weir_->admin()}, "https"},
  };
  for (const Case& one : cases) {
    const Finished refused = ask(one.words);
    EXPECT_EQ(refused.code, 1) << one.said;
    EXPECT_NE(refused.errors.find(one.said), std::string::npos) << one.said << ": " << refused.errors;
  }
}

TEST_F(AdminOverTls, OptionsThatDoNotFitTogetherAreWrongUsage) {
  const std::vector<Words> wrong{{"status", "--key", alice_.key},
                                 {"status", "--admin", "unix:/run/weir.sock", "--ca", house_.ca()},
                                 {"status", "--admin", "https://unix:/run/weir.sock"},
                                 {"status", "--admin", "http://127.0.0.1:1", "--ca", house_.ca()},
                                 {"status", "--admin", "https://"}};
  for (const Words& words : wrong) EXPECT_EQ(run(weir_program(), words).code, 2) << words.back();
}

TEST_F(AdminOverTls, TheNameOfTheAdminIsVerified) {
  own_ = house_.issue("elsewhere", {.names = {"weir.elsewhere"}});
  start();
  const Finished refused = ask(as_alice({"status"}));
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.errors.find("does not hold"), std::string::npos) << refused.errors;
}

TEST_F(AdminOverTls, ReloadFindsTheAdminInItsFileAndKnowsItsCertificate) {
  own_ = house_.issue("elsewhere", {.names = {"weir.elsewhere"}});
  write_file(directory_ / "token", "s3cret\n");
  start(", client_certificate: request", {"token_file: " + (directory_ / "token")});
  const Finished reloaded = run(weir_program(), {"reload", "-c", weir_->file()});
  EXPECT_EQ(reloaded.code, 0) << reloaded.errors;
  EXPECT_NE(reloaded.output.find("in force"), std::string::npos);
}

TEST_F(AdminOverTls, ReloadSaysThatItCannotReadTheCertificateOfItsFile) {
  start(", client_certificate: request");
  const std::string kept = directory_ / "kept.pem";
  std::filesystem::rename(own_.chain, kept);
  const Finished refused = run(weir_program(), {"reload", "-c", weir_->file()});
  EXPECT_EQ(refused.code, 1) << refused.output;
  EXPECT_NE(refused.errors.find("does not hold: chain: " + own_.chain), std::string::npos) << refused.errors;
  std::filesystem::rename(kept, own_.chain);
}

TEST_F(AdminOverTls, ReloadShowsTheOperatorsCertificateThatTheEnvironmentNames) {
  start();
  const Words words{"reload", "-c", weir_->file()};
  const Finished refused = run(weir_program(), words);
  EXPECT_EQ(refused.code, 1) << "a certificate is required";
  EXPECT_NE(refused.errors.find("WEIR_CERT"), std::string::npos) << refused.errors;
  const Finished reloaded =
      run(weir_program(), words, {.environment = {{"WEIR_CERT", alice_.chain}, {"WEIR_KEY", alice_.key}}});
  EXPECT_EQ(reloaded.code, 0) << reloaded.errors;
  EXPECT_NE(reloaded.output.find("in force"), std::string::npos);
}

TEST_F(AdminOverTls, AStrangerWithTheTokenIsServedWhereCertificatesAreOnlyAskedFor) {
  write_file(directory_ / "token", "s3cret\n");
  start(", client_certificate: request", {"token_file: " + (directory_ / "token")});
  EXPECT_EQ(ask({"status", "--ca", house_.ca(), "--token-file", directory_ / "token"}).code, 0);
  const Finished without = ask({"status", "--ca", house_.ca()});
  EXPECT_EQ(without.code, 1);
  EXPECT_NE(without.errors.find("token"), std::string::npos) << without.errors;
}

TEST_F(AdminOverTls, ARenewedCertificateIsInForceWithoutARestart) {
  start();
  const auto subject = [&] { return Client(weir_->admin()).wire().tls()->peer_subject(); };
  EXPECT_EQ(subject(), "first");
  const auto renewed = house_.issue("renewed", {.names = {"weir.example", host_}, .subject = "second"});
  write_file(own_.key, read_file(renewed.key));
  write_file(own_.chain, read_file(renewed.chain));
  EXPECT_TRUE(wait_until([&] { return subject() == "second"; }, kPatience * 2));
}

TEST_F(AdminOverTls, APairThatDoesNotFitChangesNothing) {
  start();
  write_file(own_.key, "nonsense");
  EXPECT_TRUE(
      wait_until([&] { return weir_->metrics().sum("weir_config_last_reload_successful") == 0; }, kPatience * 2));
  EXPECT_EQ(ask(as_alice({"status"})).code, 0);
  EXPECT_NE(weir_->log().find(own_.key), std::string::npos);
}

TEST_F(AdminOverTls, OtherKeysOfItNeedARestart) {
  start();
  ConfigText config = weir_->config();
  config.admin_lines.back().insert(config.admin_lines.back().size() - 2, ", min_version: 1.3");
  write_file(weir_->file(), config.text());
  const Finished refused = ask(as_alice({"reload", "-c", weir_->file()}));
  EXPECT_EQ(refused.code, 3);
  EXPECT_NE(refused.errors.find("admin: cannot change while weir runs"), std::string::npos) << refused.errors;
}

TEST_F(AdminOverTls, WhenItsCertificateExpiresIsInTheMetrics) {
  start();
  const double expires = weir_->metrics().sum("weir_tls_certificate_expiry_timestamp_seconds", {{"listener", "admin"}});
  EXPECT_GT(expires, static_cast<double>(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

TEST_F(AdminOverTls, CheckLooksAtItsFiles) {
  start();
  write_file(own_.key, "nonsense");
  const Finished checked = run(weir_program(), {"check", "-c", weir_->file()});
  EXPECT_EQ(checked.code, 3);
  EXPECT_NE(checked.errors.find(own_.key), std::string::npos) << checked.errors;
}

}  // namespace
}  // namespace weir::testing
