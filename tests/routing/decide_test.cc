#include "routing/decide.h"

#include <gtest/gtest.h>

#include "tests/routing/given.h"

namespace weir::routing {
namespace {

constexpr uint32_t kOld = 0, kNew = 1;

Request page() {
  Request request;
  request.headers = {{"Accept", "text/html,application/xhtml+xml;q=0.9"}, {"Sec-Fetch-Mode", "navigate"}};
  return request;
}

config::Service shop_without_key(config::WithoutKey way, uint32_t share = 100'000) {
  config::Service service = shop(share);
  service.cohort.without_key = way;
  return service;
}

TEST(Decide, TheBucketOfTheKeyDecides) {
  const auto snapshot = compiled(shop(100'000));
  const Decision in = decide_for(*snapshot, with_cookie("uid=7f3a9c2e"));
  EXPECT_EQ(in.version, kNew);
  EXPECT_EQ(in.bucket, Bucket{66'771});
  EXPECT_EQ(in.by, DecidedBy::split);
  EXPECT_EQ(in.key, 0u);
  EXPECT_EQ(in.rule, kNone);
  const Decision out = decide_for(*snapshot, with_cookie("uid=user-1"));
  EXPECT_EQ(out.version, kOld);
  EXPECT_EQ(out.bucket, Bucket{370'301});
}

TEST(Decide, AtTheShareItselfTheStableVersionBegins) {
  EXPECT_EQ(decide_for(*compiled(shop(66'771)), with_cookie("uid=7f3a9c2e")).version, kOld);
  EXPECT_EQ(decide_for(*compiled(shop(66'772)), with_cookie("uid=7f3a9c2e")).version, kNew);
}

TEST(Decide, TheFirstKeyPresentAndNotEmptyIsUsed) {
  config::Service service = shop();
  using Kind = config::CohortKey::Kind;
  service.cohort.keys = {{Kind::header, "X-User-Id"}, {Kind::cookie, "uid"}, {Kind::query, "u"}, {Kind::client_ip, ""}};
  const auto snapshot = compiled(service);
  const auto key_and_bucket = [&](const Request& request) {
    const Decision decision = decide_for(*snapshot, request);
    return std::pair(decision.key, decision.bucket);
  };
  Request request = with_query("u=user-2");
  request.headers = {{"Cookie", "uid=7f3a9c2e"}, {"x-user-id", "user-1"}, {"X-User-Id", "second"}};
  EXPECT_EQ(key_and_bucket(request), std::pair(0u, std::optional(Bucket{370'301})));
  request.headers[1].second = "";
  EXPECT_EQ(key_and_bucket(request), std::pair(1u, std::optional(Bucket{66'771})))
      << "only the first occurrence counts";
  request.headers.clear();
  EXPECT_EQ(key_and_bucket(request), std::pair(2u, std::optional(Bucket{302'051})));
  request.query = "u=";
  const auto by_address = bucket_of("192.0.2.1", seed_of("checkout-2026-11"));
  EXPECT_EQ(key_and_bucket(request), std::pair(3u, std::optional(by_address)));
}

TEST(Decide, ANetworkOf64BitsIsOneClient) {
  config::Service service = shop();
  service.cohort.keys = {{config::CohortKey::Kind::client_ip, ""}};
  const auto snapshot = compiled(service);
  const auto expected = bucket_of("2001:db8:1:2::/64", seed_of("checkout-2026-11"));
  EXPECT_EQ(decide_for(*snapshot, from("2001:db8:1:2::7")).bucket, expected);
  EXPECT_EQ(decide_for(*snapshot, from("2001:db8:1:2:ffff::9")).bucket, expected);
  EXPECT_NE(decide_for(*snapshot, from("2001:db8:1:3::7")).bucket, expected);
}

TEST(Decide, TheSaltIsTheServicesNameByDefault) {
  config::Service service = shop();
  service.cohort.salt.clear();
  service.name = "search";
  EXPECT_EQ(decide_for(*compiled(service), with_cookie("uid=7f3a9c2e")).bucket, Bucket{7294});
}

TEST(WithoutKey, StableIsTheStableVersion) {
  const auto snapshot = compiled(shop_without_key(config::WithoutKey::stable, 1'000'000));
  for (const Request& request : {Request{}, with_cookie("uid="), with_cookie("other=1"), page()}) {
    const Decision decision = decide_for(*snapshot, request);
    EXPECT_EQ(decision.version, kOld);
    EXPECT_EQ(decision.by, DecidedBy::without_key);
    EXPECT_EQ(decision.bucket, std::nullopt);
    EXPECT_EQ(decision.key, kNone);
    EXPECT_FALSE(decision.mint);
  }
}

TEST(WithoutKey, ClientIpIsStickyByAddress) {
  const auto snapshot = compiled(shop_without_key(config::WithoutKey::client_ip, 500'000));
  const Decision decision = decide_for(*snapshot, from("192.0.2.9"));
  EXPECT_EQ(decision.bucket, bucket_of("192.0.2.9", seed_of("checkout-2026-11")));
  EXPECT_EQ(decision.by, DecidedBy::without_key);
  EXPECT_EQ(decision.key, kNone);
}

TEST(WithoutKey, RandomRollsTheDiceItIsGiven) {
  const auto snapshot = compiled(shop_without_key(config::WithoutKey::random, 500'000));
  const Decision low = decide_for(*snapshot, Request{}, {}, {.dice = 0});
  const Decision high = decide_for(*snapshot, Request{}, {}, {.dice = ~uint64_t{0}});
  EXPECT_EQ(low.version, kNew);
  EXPECT_EQ(high.version, kOld);
  EXPECT_EQ(high.bucket, Bucket{999'999});
  EXPECT_EQ(low.by, DecidedBy::without_key);
}

TEST(Mint, ANavigationGetsAnIdentityThatAlreadyDecides) {
  const auto snapshot = compiled(shop_without_key(config::WithoutKey::mint));
  const Decision decision = decide_for(*snapshot, page(), {}, {0, 0x0123456789abcdef, 0xfedcba9876543210});
  EXPECT_TRUE(decision.mint);
  EXPECT_EQ(decision.identity.text(), "0123456789abcdeffedcba9876543210");
  EXPECT_EQ(decision.by, DecidedBy::without_key);
  EXPECT_EQ(decision.bucket, bucket_of(decision.identity.text(), seed_of("checkout-2026-11")));
}

TEST(Mint, TheMintedCookieIsTheLastKey) {
  const auto snapshot = compiled(shop_without_key(config::WithoutKey::mint));
  const Decision decision = decide_for(*snapshot, with_cookie("weir_id=7f3a9c2e"));
  EXPECT_EQ(decision.bucket, Bucket{66'771});
  EXPECT_EQ(decision.by, DecidedBy::split);
  EXPECT_EQ(decision.key, 1u);
  EXPECT_FALSE(decision.mint);
  EXPECT_EQ(decide_for(*snapshot, with_cookie("weir_id=user-2; uid=7f3a9c2e")).key, 0u);
}

TEST(Mint, AUserKeepsTheVersionThatMintingGave) {
  const auto snapshot = compiled(shop_without_key(config::WithoutKey::mint, 500'000));
  for (uint64_t id = 0; id < 200; ++id) {
    const Decision minted = decide_for(*snapshot, page(), {}, {0, id * 0x9e3779b97f4a7c15, id});
    const Decision later = decide_for(*snapshot, with_cookie("weir_id=" + std::string(minted.identity.text())));
    EXPECT_EQ(later.version, minted.version);
    EXPECT_EQ(later.bucket, minted.bucket);
  }
}

TEST(Mint, OnlyAGetThatNavigatesIsMintedFor) {
  const auto snapshot = compiled(shop_without_key(config::WithoutKey::mint, 1'000'000));
  Request post = page(), fetch = page(), html = with_header("accept", "application/xml;q=0.5 , Text/HTML;q=0.9");
  post.method = "POST";
  fetch.headers[1].second = "cors";
  for (const Request& request :
       {post, fetch, with_header("Accept", "*/*"), Request{}, with_header("Accept", "text/html5")}) {
    const Decision decision = decide_for(*snapshot, request);
    EXPECT_FALSE(decision.mint);
    EXPECT_EQ(decision.version, kOld);
    EXPECT_EQ(decision.by, DecidedBy::without_key);
  }
  EXPECT_TRUE(decide_for(*snapshot, html).mint);
  EXPECT_TRUE(decide_for(*snapshot, with_header("Sec-Fetch-Mode", "navigate")).mint);
}

TEST(Precedence, ARuleThatSendsNeedsNoKey) {
  config::Service service = shop_without_key(config::WithoutKey::mint, 0);
  service.rules = {send_rule("staff", header_is("X-Staff", "1"), "new")};
  Request request = page();
  request.headers.emplace_back("X-Staff", "1");
  const Decision decision = decide_for(*compiled(service), request);
  EXPECT_EQ(decision.version, kNew);
  EXPECT_EQ(decision.by, DecidedBy::rule);
  EXPECT_EQ(decision.rule, 0u);
  EXPECT_EQ(decision.bucket, std::nullopt);
  EXPECT_FALSE(decision.mint);
}

TEST(Precedence, ARulesSplitComesBeforeTheServices) {
  config::Service service = shop(0);
  service.rules = {split_rule("half", header_is("X-A", "1"), 500'000)};
  const auto snapshot = compiled(service);
  Request request = with_cookie("uid=user-1");
  EXPECT_EQ(decide_for(*snapshot, request).version, kOld);
  request.headers.emplace_back("X-A", "1");
  const Decision decision = decide_for(*snapshot, request);
  EXPECT_EQ(decision.version, kNew);
  EXPECT_EQ(decision.by, DecidedBy::split);
  EXPECT_EQ(decision.rule, 0u);
  const Decision keyless = decide_for(*snapshot, with_header("X-A", "1"));
  EXPECT_EQ(keyless.by, DecidedBy::without_key);
  EXPECT_EQ(keyless.version, kOld);
}

TEST(Precedence, WithoutAKeyTheRulesShareHoldsToo) {
  config::Service service = shop_without_key(config::WithoutKey::random, 0);
  service.rules = {split_rule("all", config::Conditions{}, 1'000'000)};
  const Decision decision = decide_for(*compiled(service), Request{}, {}, {.dice = ~uint64_t{0}});
  EXPECT_EQ(decision.version, kNew);
  EXPECT_EQ(decision.by, DecidedBy::without_key);
}

TEST(Availability, ACandidateThatIsDownFallsBackToTheStableVersion) {
  config::Service service = shop(1'000'000);
  service.rules = {send_rule("staff", header_is("X-Staff", "1"), "new")};
  const auto snapshot = compiled(service);
  const Availability no_candidate{{true, false}};
  for (const Request& request : {with_cookie("uid=user-1"), with_header("X-Staff", "1")}) {
    const Decision decision = decide_for(*snapshot, request, no_candidate);
    EXPECT_EQ(decision.version, kOld);
    EXPECT_EQ(decision.by, DecidedBy::fallback);
  }
}

TEST(Availability, NobodyIsMovedToTheCandidate) {
  const auto snapshot = compiled(shop(0));
  const Decision decision = decide_for(*snapshot, with_cookie("uid=user-1"), {{false, true}});
  EXPECT_EQ(decision.version, kOld);
  EXPECT_EQ(decision.by, DecidedBy::split);
}

TEST(Stable, MayBeTheSecondOfTheVersions) {
  config::Service service = shop(100'000);
  service.stable = "new";
  service.split = config::Split{{{"old", config::Share{100'000}}, {"new", config::Share{900'000}}}, {}};
  const auto snapshot = compiled(service);
  EXPECT_EQ(decide_for(*snapshot, with_cookie("uid=7f3a9c2e")).version, kOld);
  EXPECT_EQ(decide_for(*snapshot, with_cookie("uid=user-1")).version, kNew);
  EXPECT_EQ(decide_for(*snapshot, with_cookie("uid=7f3a9c2e"), {{false, true}}).by, DecidedBy::fallback);
}

TEST(ALoneVersion, GetsEverybody) {
  config::Service service = shop();
  service.versions.pop_back();
  service.split.reset();
  service.cohort.without_key = config::WithoutKey::mint;
  const auto snapshot = compiled(service);
  const Decision decision = decide_for(*snapshot, page());
  EXPECT_EQ(decision.version, 0u);
  EXPECT_EQ(decision.by, DecidedBy::split);
  EXPECT_FALSE(decision.mint);
}

TEST(DecidedBy, HasTheContractsWords) {
  EXPECT_EQ(decided_by_text(DecidedBy::rule), "rule");
  EXPECT_EQ(decided_by_text(DecidedBy::split), "split");
  EXPECT_EQ(decided_by_text(DecidedBy::without_key), "without_key");
  EXPECT_EQ(decided_by_text(DecidedBy::override_), "override");
  EXPECT_EQ(decided_by_text(DecidedBy::fallback), "fallback");
}

}  // namespace
}  // namespace weir::routing
