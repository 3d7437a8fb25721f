// Who goes where, seen from outside: cohorts, rules, regions, the minted cookie (contract §2 and §3).
#include <fmt/format.h>

#include <map>
#include <sstream>

#include "tests/e2e/edge.h"
#include "tests/support/places.h"

namespace weir::testing {
namespace {

/// weir with an origin for each version, which answer with their version's name.
class Versions {
 public:
  explicit Versions(ConfigText config = {}) : old_origin("old"), new_origin("new") {
    config.old_endpoints = {old_origin.address()};
    config.new_endpoints = {new_origin.address()};
    weir = weir_with(std::move(config));
  }

  /// The version that answers a GET with these lines.
  std::string version(const std::string& lines, const std::string& target = "/", const ConnectOptions& options = {}) {
    Client client(weir->edge(), options);
    client.send(get(target, "shop.example", lines));
    Response response = client.receive();
    return response.status == 200 ? response.body : std::to_string(response.status);
  }
  Response fetch(const std::string& lines) { return testing::fetch(weir->edge(), get("/", "shop.example", lines)); }

  Origin old_origin, new_origin;
  std::unique_ptr<Weir> weir;
};

/// KEY -> bucket, by `weir bucket`.
std::map<std::string, uint32_t> buckets(const std::string& salt, const std::vector<std::string>& keys) {
  std::string input;
  for (const std::string& key : keys) input += key + "\n";
  Finished done = run(weir_program(), {"bucket", "--salt", salt, "-"}, {.input = input});
  EXPECT_EQ(done.code, 0) << done.errors;
  std::map<std::string, uint32_t> all;
  std::istringstream lines(done.output);
  for (std::string line; std::getline(lines, line);) {
    size_t tab = line.find('\t');
    all[line.substr(0, tab)] = static_cast<uint32_t>(std::stoul(line.substr(tab + 1)));
  }
  return all;
}

TEST(Cohort, TenThousandIdsGoWhereTheirBucketsSay) {
  Versions versions({.workers = 2, .share = "10%", .salt = "shop-2026-11"});
  versions.old_origin.forget();
  versions.new_origin.forget();
  std::vector<std::string> ids;
  for (int i = 0; i < 10'000; ++i) ids.push_back(fmt::format("user-{}", i));
  auto bucket = buckets("shop-2026-11", ids);
  Client client(versions.weir->edge());
  int candidates = 0, wrong = 0;
  for (const std::string& id : ids) {
    client.send(get("/", "shop.example", fmt::format("Cookie: uid={}\r\n", id)));
    std::string version = client.receive().body;
    candidates += version == "new";
    wrong += version != (bucket.at(id) < 100'000 ? "new" : "old");
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_NEAR(candidates, 1000, 120);
}

TEST(Cohort, TheFirstKeyThatIsThereAndNotEmptyDecides) {
  Versions versions({.share = "10%", .salt = "checkout-2026-11"});
  // 7f3a9c2e is in bucket 66771, user-1 in 370301.
  EXPECT_EQ(versions.version("Cookie: uid=7f3a9c2e\r\n"), "new");
  EXPECT_EQ(versions.version("Cookie: uid=user-1\r\n"), "old");
  EXPECT_EQ(versions.version("X-User-Id: 7f3a9c2e\r\n"), "new");
  EXPECT_EQ(versions.version("Cookie: uid=user-1\r\nX-User-Id: 7f3a9c2e\r\n"), "old");
  EXPECT_EQ(versions.version("Cookie: uid=; a=b\r\nX-User-Id: 7f3a9c2e\r\n"), "new");
  EXPECT_EQ(versions.version("Cookie: a=b; uid=7f3a9c2e; uid=user-1\r\n"), "new");
  EXPECT_EQ(versions.version("X-User-Id:   7f3a9c2e  \r\nX-User-Id: user-1\r\n"), "new");
}

TEST(Cohort, AQueryParameterMayBeTheKey) {
  Versions versions({.share = "10%", .salt = "checkout-2026-11", .keys = {"query:uid"}});
  EXPECT_EQ(versions.version("", "/a?x=1&uid=7f3a9c2e"), "new");
  EXPECT_EQ(versions.version("", "/a?uid=user-1&uid=7f3a9c2e"), "old");
}

TEST(Cohort, ClientAddressesMayBeTheKey) {
  Versions versions({.share = "50%", .salt = "ips", .keys = {"client_ip"}});
  std::vector<std::string> addresses;
  for (int i = 2; i < 42; ++i) addresses.push_back(fmt::format("127.0.0.{}", i));
  auto bucket = buckets("ips", addresses);
  for (const std::string& address : addresses)
    EXPECT_EQ(versions.version("", "/", {.from = address}), bucket.at(address) < 500'000 ? "new" : "old") << address;
}

TEST(Cohort, BehindATrustedProxyTheAddressIsTheRightmostThatIsNotOneOfTheirs) {
  Versions versions(
      {.share = "50%", .salt = "ips", .keys = {"client_ip"}, .listener = {"trusted_proxies: [127.0.0.1, 10.0.0.0/8]"}});
  std::vector<std::string> keys{"192.0.2.1", "192.0.2.2", "192.0.2.3", "198.51.100.7", "2001:db8:1:2::/64"};
  auto bucket = buckets("ips", keys);
  auto expected = [&](const std::string& key) { return bucket.at(key) < 500'000 ? "new" : "old"; };
  for (const char* key : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "198.51.100.7"})
    EXPECT_EQ(versions.version(fmt::format("X-Forwarded-For: 203.0.113.9, {}, 10.1.2.3\r\n", key)), expected(key))
        << key;
  EXPECT_EQ(versions.version("X-Forwarded-For: 2001:db8:1:2:3:4:5:6\r\n"), expected("2001:db8:1:2::/64"));
}

TEST(Cohort, WithoutAKeyTheStableVersionAnswers) {
  Versions versions({.share = "100%"});
  EXPECT_EQ(versions.version(""), "old");
  EXPECT_EQ(versions.version("Cookie: uid=anyone\r\n"), "new");
}

TEST(Cohort, AMintedCookieKeepsItsBearerWhereItSays) {
  Versions versions(
      {.share = "50%", .salt = "minted", .cohort = {"without_key: mint", "mint: { cookie: weir_id, max_age: 90d }"}});
  for (int i = 0; i < 8; ++i) {
    Response first = versions.fetch("Accept: text/html\r\n");
    std::string cookie = first.fields.get("Set-Cookie");
    ASSERT_TRUE(cookie.starts_with("weir_id=")) << first;
    std::string id = cookie.substr(8, cookie.find(';') - 8);
    EXPECT_EQ(id.size(), 32u);
    for (const char* part : {"Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=7776000"})
      EXPECT_NE(cookie.find(part), std::string::npos) << cookie;
    EXPECT_EQ(cookie.find("Secure") != std::string::npos, everything_over_tls()) << cookie;
    EXPECT_NE(first.fields.get("Cache-Control").find("private"), std::string::npos);
    EXPECT_EQ(first.body, buckets("minted", {id}).at(id) < 500'000 ? "new" : "old");
    Response later = versions.fetch("Accept: text/html\r\nCookie: weir_id=" + id + "\r\n");
    EXPECT_EQ(later.body, first.body);
    EXPECT_FALSE(later.fields.has("Set-Cookie"));
  }
}

TEST(Cohort, ACookieIsMintedOnlyForAGetThatNavigates) {
  Versions versions({.share = "100%", .cohort = {"without_key: mint"}});
  EXPECT_TRUE(versions.fetch("Sec-Fetch-Mode: navigate\r\n").fields.has("Set-Cookie"));
  for (const char* lines : {"", "Accept: application/json\r\n", "Sec-Fetch-Mode: cors\r\n"}) {
    Response response = versions.fetch(lines);
    EXPECT_FALSE(response.fields.has("Set-Cookie")) << lines;
    EXPECT_EQ(response.body, "old") << lines;
  }
  Response posted = fetch(versions.weir->edge(), post("/", "", "Accept: text/html\r\n"), "POST");
  EXPECT_FALSE(posted.fields.has("Set-Cookie"));
}

TEST(Rules, TheFirstThatMatchesWinsOverTheSplit) {
  Versions versions(
      {.share = "100%",
       .rules = {
           R"({ name: bots, when: { header: { User-Agent: { regex: "(?i)bot|crawler" } } }, send: old })",
           R"({ name: office, when: { client_ip: [127.0.0.9] }, send: old })",
           R"({ name: path, when: { path_prefix: /api, method: [GET] }, send: old })",
           R"({ name: not, when: { not: { cookie: { beta: { present: true } } }, query: { v: "1" } }, send: old })",
           R"({ name: half, when: { header: { X-Half: { prefix: "y" } } }, split: { new: 0% } })"}});
  const std::string user = "Cookie: uid=u1\r\n";
  EXPECT_EQ(versions.version(user), "new");
  EXPECT_EQ(versions.version(user + "User-Agent: GoogleBot/1\r\n"), "old");
  EXPECT_EQ(versions.version(user, "/", {.from = "127.0.0.9"}), "old");
  EXPECT_EQ(versions.version(user, "/api/x"), "old");
  EXPECT_EQ(versions.version(user, "/x/../%61pi//y"), "old");
  EXPECT_EQ(versions.version(user, "/apix"), "new");
  EXPECT_EQ(versions.version(user, "/?v=1"), "old");
  EXPECT_EQ(versions.version("Cookie: uid=u1; beta=1\r\n", "/?v=1"), "new");
  EXPECT_EQ(versions.version(user + "X-Half: yes\r\n"), "old");
}

TEST(Rules, ATrustedHeaderForcesAVersionOnlyFromATrustedProxy) {
  Versions versions({.listener = {"trusted_proxies: [127.0.0.7]", "trusted_headers: [X-Staff]"},
                     .rules = {R"({ name: staff, when: { header: { X-Staff: "1" } }, send: new })"}});
  EXPECT_EQ(versions.version("X-Staff: 1\r\n", "/", {.from = "127.0.0.7"}), "new");
  EXPECT_EQ(versions.version("X-Staff: 1\r\n"), "old");
}

TEST(Rules, ARegionIsBelievedOnlyFromATrustedProxy) {
  Versions versions({.listener = {"trusted_proxies: [127.0.0.7]"},
                     .rules = {R"({ name: south, when: { region: [NZ, AU] }, send: new })",
                               R"({ name: nowhere, when: { region: [ZZ], path_prefix: /zz }, send: new })"},
                     .top = {"regions: [{ header: CF-IPCountry }]"}});
  EXPECT_EQ(versions.version("CF-IPCountry: NZ\r\n", "/", {.from = "127.0.0.7"}), "new");
  EXPECT_EQ(versions.version("CF-IPCountry: DE\r\n", "/", {.from = "127.0.0.7"}), "old");
  EXPECT_EQ(versions.version("CF-IPCountry: NZ\r\n"), "old");
  EXPECT_EQ(versions.version("CF-IPCountry: NZ\r\n", "/zz"), "new");
}

TEST(Reveal, TellsTheVersionToThoseItIsMeantFor) {
  auto revealed = [](const char* reveal, const std::string& from) {
    Versions versions({.share = "100%",
                       .listener = {"trusted_proxies: [127.0.0.7]"},
                       .service = {fmt::format("reveal: {}", reveal)}});
    Client client(versions.weir->edge(), {.from = from});
    client.send(get("/", "shop.example", "Cookie: uid=u1\r\n"));
    Response response = client.receive();
    EXPECT_EQ(response.fields.has("X-Weir-Version"), response.fields.has("X-Weir-Reason"));
    return response.fields.get("X-Weir-Version");
  };
  EXPECT_EQ(revealed("all", "127.0.0.1"), "new");
  EXPECT_EQ(revealed("none", "127.0.0.7"), "");
  EXPECT_EQ(revealed("trusted", "127.0.0.7"), "new");
  EXPECT_EQ(revealed("trusted", "127.0.0.1"), "");
}

TEST(Services, TheMostSpecificMatchAnswersAndNothingElseIs404) {
  Origin shop("shop"), search("search"), wild("wild");
  auto service = [](const char* name, const Origin& origin, const char* match) {
    return fmt::format("{{ name: {}, match: [{}], versions: {{ only: {{ endpoints: [\"{}\"] }} }} }}", name, match,
                       origin.address());
  };
  ConfigText config{.old_endpoints = {shop.address()}, .service = {"match: [{ host: shop.example }]"}};
  config.services = {service("search", search, "{ host: shop.example, path_prefix: /search }"),
                     service("wild", wild, "{ host: \"*.shop.example\" }")};
  auto weir = weir_with(config);
  auto answered = [&](const char* host, const char* target) {
    Response response = fetch(weir->edge(), get(target, host));
    return response.status == 200 ? response.body : std::to_string(response.status);
  };
  EXPECT_EQ(answered("shop.example", "/"), "shop");
  EXPECT_EQ(answered("SHOP.example.:8080", "/searching"), "shop");
  EXPECT_EQ(answered("shop.example", "/search?q=1"), "search");
  EXPECT_EQ(answered("a.b.shop.example", "/search"), "wild");
  EXPECT_EQ(answered("other.example", "/"), "404");
  Response none = fetch(weir->edge(), get("/", "other.example"));
  EXPECT_TRUE(none.fields.get("Proxy-Status").starts_with("weir; error=")) << none;
  EXPECT_EQ(weir->metrics().sum("weir_rejected_requests_total", {{"code", "404"}}), 2);
}

TEST(Endpoints, ANameThatDoesNotResolveIsDownAndTheCandidatesUsersFallBack) {
  Origin old_origin("old");
  auto weir = weir_with(
      {.old_endpoints = {old_origin.address()}, .new_endpoints = {"no-such-host.invalid:80"}, .share = "100%"});
  Response response = fetch(weir->edge(), get("/", "shop.example", "Cookie: uid=u1\r\n"));
  EXPECT_EQ(response.body, "old") << response;
  EXPECT_EQ(weir->metrics().sum("weir_requests_total", {{"decided_by", "fallback"}, {"version", "old"}}), 1);
}

TEST(Endpoints, OfTheStableVersionThatDoNotResolveAre503) {
  Origin new_origin("new");
  auto weir =
      weir_with({.old_endpoints = {"no-such-host.invalid:80"}, .new_endpoints = {new_origin.address()}, .share = "0%"});
  Response response = fetch(weir->edge(), get("/"));
  EXPECT_EQ(response.status, 503) << response;
  EXPECT_TRUE(response.fields.get("Proxy-Status").starts_with("weir; error=")) << response;
}

TEST(Endpoints, ANameIsResolved) {
  Origin origin("by name");
  std::string port = origin.address().substr(origin.address().rfind(':'));
  auto weir = weir_with({.old_endpoints = {"localhost" + port}});
  EXPECT_TRUE(wait_until([&] { return fetch(weir->edge(), get("/")).body == "by name"; }));
}

TEST(Endpoints, SeveralShareTheWork) {
  for (const char* balance : {"round_robin", "least_requests"}) {
    SCOPED_TRACE(balance);
    Origin first("first"), second("second");
    auto weir = weir_with(
        {.old_endpoints = {first.address(), second.address()}, .old_version = {fmt::format("balance: {}", balance)}});
    Client client(weir->edge());
    for (int i = 0; i < 100; ++i) {
      client.send(get("/"));
      ASSERT_EQ(client.receive().status, 200);
    }
    EXPECT_GE(first.complete_requests(), 20u);
    EXPECT_GE(second.complete_requests(), 20u);
  }
}

TEST(Endpoints, WhenOneRefusesTheOtherIsTried) {
  Origin first("first"), second("second");
  auto weir =
      weir_with({.old_endpoints = {first.address(), second.address()}, .old_version = {"balance: round_robin"}});
  first.stop();
  int failed = 0;
  for (int i = 0; i < 20; ++i) failed += fetch(weir->edge(), get("/")).status != 200;
  EXPECT_LE(failed, 10);
  EXPECT_GE(weir->metrics().sum("weir_errors_total", {{"error", "connection_refused"}}), 1);
}

}  // namespace
}  // namespace weir::testing
