// A version forced by a signed token, through the running program (contract §3).
#include <gtest/gtest.h>

#include <sstream>

#include "tests/e2e/edge.h"
#include "tests/support/places.h"

namespace weir::testing {
namespace {

/// weir with a secret, nobody on the new version, and what `weir sign` says with that secret.
class Forced : public ::testing::Test {
 protected:
  Forced() {
    write_file(directory_ / "secret", "0123456789abcdef0123456789abcdef\n");
    write_file(directory_ / "other", "another-secret-of-somebody-else\n");
    ConfigText config;
    config.old_endpoints = {old_origin_.address()};
    config.new_endpoints = {new_origin_.address()};
    config.service = {"reveal: all"};
    config.rules = {"{ name: everybody, when: { method: GET }, send: old }"};
    config.top = {"override: { secret_file: " + directory_ / "secret" + " }"};
    weir_ = weir_with(config);
  }

  /// The first line (`X-Weir-Override: …`) or the second (`Cookie: weir_override=…`) of `weir sign new`.
  std::string sign(size_t line, const std::string& time = "2h", const std::string& secret = "secret",
                   const std::string& version = "new") {
    const Finished signed_ = run(
        weir_program(), {"sign", version, "--service", "shop", "--for", time, "--secret-file", directory_ / secret});
    EXPECT_EQ(signed_.code, 0) << signed_.errors;
    std::istringstream lines(signed_.output);
    std::string text;
    for (size_t i = 0; i <= line; ++i) std::getline(lines, text);
    return text + "\r\n";
  }
  Response with(const std::string& lines) { return fetch(weir_->edge(), get("/", "shop.example", lines)); }

  Directory directory_;
  Origin old_origin_{"old"}, new_origin_{"new"};
  std::unique_ptr<Weir> weir_;
};

TEST_F(Forced, ATokenInTheHeaderOrTheCookieGetsTheVersionPastEveryRule) {
  EXPECT_EQ(with("").body, "old");
  for (const size_t line : {0u, 1u}) {
    const Response response = with(sign(line));
    EXPECT_EQ(response.body, "new");
    EXPECT_EQ(response.fields.get("X-Weir-Reason"), "override");
  }
  EXPECT_EQ(weir_->metrics().sum("weir_requests_total", {{"decided_by", "override"}, {"version", "new"}}), 2);
  EXPECT_EQ(weir_->metrics().sum("weir_rule_hits_total"), 1) << "a forced request is no hit of a rule";
}

TEST_F(Forced, TheHeaderIsNeverForwarded) {
  with(sign(0));
  EXPECT_FALSE(new_origin_.only_request().fields.has("X-Weir-Override"));
  with(sign(0, "2h", "other"));
  EXPECT_FALSE(old_origin_.only_request().fields.has("X-Weir-Override"));
}

TEST_F(Forced, AForgedTokenIsIgnored) {
  EXPECT_EQ(with(sign(0, "2h", "other")).body, "old");
  EXPECT_EQ(with(sign(1, "2h", "other")).body, "old");
  EXPECT_EQ(with("X-Weir-Override: new\r\n").body, "old");
  EXPECT_EQ(with("Cookie: weir_override=new\r\n").body, "old");
}

TEST_F(Forced, ATokenExpires) {
  const std::string line = sign(0, "1s");
  EXPECT_TRUE(wait_until([&] { return with(line).body == "old"; }));
}

TEST_F(Forced, AnotherSecretInTheFileEndsTheTokensOfTheFirst) {
  const std::string line = sign(0);
  EXPECT_EQ(with(line).body, "new");
  replace_file(directory_ / "secret", read_file(directory_ / "other"));
  weir_->program().signal(SIGHUP);
  EXPECT_TRUE(wait_until([&] { return with(line).body == "old"; }));
  EXPECT_EQ(with(sign(0, "2h", "other")).body, "new");
}

TEST_F(Forced, AClosedCandidateGetsNobodyEvenSo) {
  const std::string line = sign(0);
  EXPECT_EQ(with(line).body, "new");
  EXPECT_EQ(run(weir_program(), {"rollback", "shop", "--admin", weir_->admin()}).code, 0);
  EXPECT_EQ(with(line).body, "old");
  EXPECT_EQ(run(weir_program(), {"reopen", "shop", "--admin", weir_->admin()}).code, 0);
  EXPECT_EQ(with(line).body, "new");
}

TEST_F(Forced, WithoutASecretNoTokenCounts) {
  ConfigText config = weir_->config();
  config.top = {};
  const std::string line = sign(0);
  weir_->reload(config);
  EXPECT_EQ(with(line).body, "old");
  EXPECT_FALSE(old_origin_.only_request().fields.has("X-Weir-Override"));
}

TEST_F(Forced, ASecretThatIsTooShortIsAnError) {
  write_file(directory_ / "secret", "short\n");
  const Finished checked = run(weir_program(), {"check", "-c", weir_->file()});
  EXPECT_EQ(checked.code, 3);
  EXPECT_NE(checked.errors.find("override.secret_file"), std::string::npos) << checked.errors;
}

TEST_F(Forced, ExplainFromTheFileTellsOfIt) {
  std::string line = sign(0);
  line.erase(line.size() - 2);
  const Finished told = run(weir_program(), {"explain", "-c", weir_->file(), "-H", line, "http://shop.example/"});
  EXPECT_NE(told.output.find("shop · override by X-Weir-Override → new"), std::string::npos) << told.output;
  EXPECT_EQ(told.errors, "");
}

}  // namespace
}  // namespace weir::testing
