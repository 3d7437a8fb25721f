#include "routing/override.h"

#include <gtest/gtest.h>

#include <unistd.h>
#include <boost/json.hpp>

#include <filesystem>
#include <fstream>

#include "routing/explain.h"
#include "tests/routing/given.h"

namespace weir::routing {
namespace {

const std::string kSecret = "a-secret-for-overrides";
constexpr std::chrono::sys_seconds kUntil{std::chrono::seconds(4'102'444'800)};  // the year 2100
constexpr std::chrono::sys_seconds kBefore = kUntil - std::chrono::seconds(1);

class Overriding : public ::testing::Test {
 protected:
  Overriding() : plan_(snapshot_->services.front()) {
    plan_.override_secret = std::make_shared<const std::string>(kSecret);
    auto subjects = std::make_shared<Subjects>(*plan_.subjects);
    plan_.override_cookie = subjects->add(SubjectKind::cookie, kOverrideCookie);
    plan_.subjects = std::move(subjects);
  }

  static config::Service service() {
    config::Service service = shop(0);
    service.rules = {send_rule("old", header_is("X-Old", "1"), "old")};
    return service;
  }

  Decision decide_with(const Request& request, std::string_view token, Availability available = {}) const {
    RequestView view = request.view();
    view.override_token = token;
    view.now = kBefore;
    return decide(plan_, view, available, {});
  }
  Explanation explained(const std::string& token) const {
    const Request request;
    RequestView view = request.view();
    view.override_token = token;
    view.now = kBefore;
    return explain(*snapshot_, view, {}, {});
  }
  TokenIs read(std::string_view token, std::chrono::sys_seconds now = kBefore) const {
    return read_token(plan_, token, now).is;
  }

  std::shared_ptr<Snapshot> snapshot_ = compiled(service());
  ServicePlan& plan_;
  const std::string good_ = sign_override(kSecret, "shop", "new", kUntil);
};

TEST_F(Overriding, TheSignatureIsTheOneThatIsDocumented) {
  // python3: hmac.new(b"a-secret-for-overrides", b"weir-override-1:shop:new:4102444800", "sha256").hexdigest()
  EXPECT_EQ(good_,
            "shop:new:4102444800:"
            "f4962ed090d4a472dbe1e4149c3743582ebec75d38809ab403b4b98e0bf0e834");
}

TEST_F(Overriding, AGoodTokenForcesItsVersionBeforeAnyRule) {
  const Decision forced = decide_with(with_header("X-Old", "1"), good_);
  EXPECT_EQ(forced.version, 1u);
  EXPECT_EQ(forced.by, DecidedBy::override_);
  EXPECT_EQ(forced.rule, kNone);
  EXPECT_FALSE(forced.bucket);
}

TEST_F(Overriding, TheCookieForcesToo) {
  EXPECT_EQ(decide_with(with_cookie("uid=7f3a9c2e; weir_override=" + good_), "").by, DecidedBy::override_);
  EXPECT_EQ(decide_with(with_cookie("weir_override=" + good_), "nonsense").by, DecidedBy::override_);
}

TEST_F(Overriding, TheStableVersionCanBeForcedAgainstTheSplit) {
  plan_.share = config::kEverybody;
  const std::string token = sign_override(kSecret, "shop", "old", kUntil);
  EXPECT_EQ(decide_with(with_cookie("uid=7f3a9c2e"), "").version, 1u);
  EXPECT_EQ(decide_with(with_cookie("uid=7f3a9c2e"), token).version, 0u);
}

TEST_F(Overriding, EachByteOfATokenCounts) {
  ASSERT_EQ(read(good_), TokenIs::good);
  for (size_t i = 0; i < good_.size(); ++i) {
    for (const char other : {'0', '5', 'a', 'z', ':', 'A'}) {
      std::string token = good_;
      if (token[i] == other) continue;
      token[i] = other;
      EXPECT_NE(read(token), TokenIs::good) << token;
      EXPECT_EQ(decide_with(Request{}, token).version, 0u);
    }
    EXPECT_NE(read(good_.substr(0, i)), TokenIs::good);
    EXPECT_NE(read(good_.substr(i + 1)), TokenIs::good);
  }
  EXPECT_NE(read(good_ + "0"), TokenIs::good);
  EXPECT_NE(read(good_ + ":"), TokenIs::good);
}

TEST_F(Overriding, WhatIsWrongWithATokenIsTold) {
  EXPECT_EQ(read(good_, kUntil), TokenIs::expired);
  EXPECT_EQ(read(""), TokenIs::malformed);
  EXPECT_EQ(read("new"), TokenIs::malformed);
  EXPECT_EQ(read(std::string(100'000, ':')), TokenIs::malformed);
  EXPECT_EQ(read("shop:new:-1:" + good_.substr(good_.size() - 64)), TokenIs::malformed);
  EXPECT_EQ(read("shop:new:4102444801:" + good_.substr(good_.size() - 64)), TokenIs::forged);
  EXPECT_EQ(read(sign_override(kSecret, "store", "new", kUntil)), TokenIs::for_another_service);
  EXPECT_EQ(read(sign_override(kSecret, "shop", "next", kUntil)), TokenIs::of_no_version);
  EXPECT_EQ(read(sign_override("another-secret-entirely", "shop", "new", kUntil)), TokenIs::forged);
}

TEST_F(Overriding, ABadTokenIsAsIfItHadNotCome) {
  const std::string forged = sign_override("another-secret-entirely", "shop", "new", kUntil);
  const Decision decision = decide_with(with_header("X-Old", "1"), forged);
  EXPECT_EQ(decision.by, DecidedBy::rule);
  EXPECT_EQ(decision.version, 0u);
}

TEST_F(Overriding, NobodyForcesAnythingWithoutASecret) {
  plan_.override_secret = nullptr;
  EXPECT_EQ(decide_with(with_cookie("weir_override=" + good_), good_).by, DecidedBy::without_key);
}

TEST_F(Overriding, WithoutATimeEveryTokenHasExpired) {
  RequestView view;
  EXPECT_EQ(read(good_, view.now), TokenIs::expired);
}

TEST_F(Overriding, ACandidateWithoutAnEndpointGetsNobody) {
  const Decision decision = decide_with(Request{}, good_, {{true, false}});
  EXPECT_EQ(decision.version, 0u);
  EXPECT_EQ(decision.by, DecidedBy::fallback);
}

TEST_F(Overriding, AClosedCandidateGetsNobodyEvenSo) {
  plan_.closed = true;
  EXPECT_EQ(read(good_), TokenIs::for_the_closed);
  const Decision decision = decide_with(with_header("X-Old", "1"), good_);
  EXPECT_EQ(decision.version, 0u);
  EXPECT_EQ(decision.by, DecidedBy::rule);
  EXPECT_EQ(decide_with(Request{}, sign_override(kSecret, "shop", "old", kUntil)).by, DecidedBy::override_);
}

TEST_F(Overriding, ExplainTellsOfIt) {
  EXPECT_EQ(explained(good_).text(), "shop · override by X-Weir-Override → new, 127.0.0.1:9002");
  const Explanation ignored = explained(good_.substr(0, good_.size() - 1) + "x");
  EXPECT_TRUE(ignored.text().starts_with("shop · X-Weir-Override is ignored: its signature is wrong · no rule matches"))
      << ignored.text();
  EXPECT_EQ(boost::json::parse(ignored.json()).at("override").at("ignored"), "its signature is wrong");
  EXPECT_TRUE(boost::json::parse(explained(good_).json()).at("override").at("ignored").is_null());
}

TEST(OverrideSecret, IsReadWithoutItsLinesEndAndMustBeLongEnough) {
  const std::string path = ::testing::TempDir() + "weir-override-secret-" + std::to_string(::getpid());
  const auto read = [&](const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
    return read_override_secret(path, {"weir.yaml", 3, 1});
  };
  EXPECT_EQ(*read("0123456789abcdef\n"), "0123456789abcdef");
  EXPECT_EQ(*read("0123456789abcdef  "), "0123456789abcdef  ");
  EXPECT_FALSE(read("0123456789abcde\r\n"));
  EXPECT_FALSE(read(""));
  EXPECT_FALSE(read(std::string(5000, 'a')));
  std::filesystem::remove(path);
  const auto none = read_override_secret(path, {"weir.yaml", 3, 1});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.problems().front().text(),
            "weir.yaml:3:1: override.secret_file " + path + ": No such file or directory");
}

}  // namespace
}  // namespace weir::routing
