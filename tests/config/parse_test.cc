#include "config/parse.h"

#include <gmock/gmock.h>

#include "tests/config/schema_check.h"
#include "tests/support/places.h"

namespace weir::config {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kSmallest =
    "listeners: [{ address: 127.0.0.1:8080 }]\n"
    "services: [{ name: shop, versions: { main: { endpoints: [127.0.0.1:9001] } } }]\n";

Config read(const std::string& text) {
  auto loaded = parse(text, "FILE");
  if (loaded) return std::move(loaded->config);
  for (const Problem& problem : loaded.problems()) ADD_FAILURE() << problem.text();
  return {};
}

Config smallest_with(const std::string& more) { return read(std::string(kSmallest) + more); }

/// A service of two versions with these further lines.
Service service_with(const std::string& lines) {
  const std::string text =
      "listeners: [{ address: 127.0.0.1:8080 }]\n"
      "services:\n"
      "  - name: shop\n"
      "    stable: old\n"
      "    versions: { new: { endpoints: [127.0.0.1:2] }, old: { endpoints: [127.0.0.1:1] } }\n" +
      lines;
  Config config = read(text);
  return config.services.empty() ? Service{} : config.services.front();
}

TEST(Parse, TheSmallestFileGetsTheDefaults) {
  const Config config = smallest_with("");
  ASSERT_EQ(config.listeners.size(), 1u);
  EXPECT_EQ(config.listeners[0].name, "127.0.0.1:8080");
  EXPECT_EQ(config.listeners[0].proxy_protocol, ProxyProtocol::none);
  EXPECT_FALSE(config.admin);
  EXPECT_FALSE(config.access_log);
  EXPECT_EQ(config.workers, 0u);
  ASSERT_EQ(config.services.size(), 1u);
  const Service& service = config.services[0];
  EXPECT_EQ(service.stable, "main");
  EXPECT_EQ(service.cohort.salt, "shop");
  EXPECT_EQ(service.cohort.without_key, WithoutKey::stable);
  EXPECT_EQ(service.versions[0].balance, Balance::least_requests);
  EXPECT_EQ(service.reveal, Reveal::none);
  EXPECT_FALSE(service.split);
}

TEST(Parse, ListenersAreReadInFull) {
  const Config config = read(
      "listeners:\n"
      "  - name: edge\n"
      "    address: \"[::]:8080\"\n"
      "    trusted_proxies: [10.0.0.0/8, unix]\n"
      "    trusted_headers: [X-Staff]\n"
      "    proxy_protocol: accept\n"
      "    ready_path: /-/ready\n" +
      std::string(kSmallest.substr(kSmallest.find("services"))));
  const Listener& listener = config.listeners.at(0);
  EXPECT_EQ(listener.name, "edge");
  EXPECT_EQ(listener.address.host, "::");
  EXPECT_THAT(listener.trusted_proxies, ::testing::ElementsAre(*parse_cidr("10.0.0.0/8")));
  EXPECT_TRUE(listener.trust_unix_peers);
  EXPECT_THAT(listener.trusted_headers, ::testing::ElementsAre("X-Staff"));
  EXPECT_EQ(listener.proxy_protocol, ProxyProtocol::accept);
  EXPECT_EQ(listener.ready_path, "/-/ready");
  EXPECT_EQ(listener.where.line, 2);
  EXPECT_EQ(listener.where.column, 5);
}

TEST(Parse, WhatConcernsTheWholeProcessIsRead) {
  const Config config = smallest_with(
      "admin: { address: 0.0.0.0:9901, token_file: /run/token, hosts: [weir.internal] }\n"
      "workers: 3\n"
      "regions: [{ header: CF-IPCountry }, { mmdb: /a.mmdb }, { mmdb: /b.mmdb, field: [continent, code] }]\n"
      "access_log: { path: /var/log/weir.log, format: combined }\n");
  EXPECT_EQ(config.admin->address.port, 9901);
  EXPECT_EQ(config.admin->token_file, "/run/token");
  EXPECT_THAT(config.admin->hosts, ::testing::ElementsAre("weir.internal"));
  EXPECT_EQ(config.workers, 3u);
  ASSERT_EQ(config.regions.size(), 3u);
  EXPECT_EQ(config.regions[0].header, "CF-IPCountry");
  EXPECT_THAT(config.regions[1].field, ::testing::ElementsAre("country", "iso_code"));
  EXPECT_THAT(config.regions[2].field, ::testing::ElementsAre("continent", "code"));
  EXPECT_EQ(config.access_log, (AccessLog{"/var/log/weir.log", LogFormat::combined}));
}

TEST(Parse, LimitsAreReadEachIntoItsPlace) {
  const Limits limits =
      smallest_with(
          "limits: { request_head: 1KiB, request_headers: 2, request_target: 30B, request_body: 4MiB, "
          "response_head: 5KiB, connections: 6 }\n")
          .limits;
  EXPECT_EQ(limits.request_head, 1024u);
  EXPECT_EQ(limits.request_headers, 2u);
  EXPECT_EQ(limits.request_target, 30u);
  EXPECT_EQ(limits.request_body, 4u * 1024 * 1024);
  EXPECT_EQ(limits.response_head, 5u * 1024);
  EXPECT_EQ(limits.connections, 6u);
}

TEST(Parse, TimeoutsAreReadEachIntoItsPlace) {
  const Timeouts timeouts = smallest_with(
                                "timeouts: { request_head: 1ms, request_body: 2ms, client_idle: 3ms, connect: 4ms, "
                                "response_head: 5ms, response_body: 6ms, upstream_idle: 7ms, tunnel_idle: 8ms, drain: "
                                "0s }\n")
                                .timeouts;
  EXPECT_EQ(timeouts.request_head, milliseconds(1));
  EXPECT_EQ(timeouts.request_body, milliseconds(2));
  EXPECT_EQ(timeouts.client_idle, milliseconds(3));
  EXPECT_EQ(timeouts.connect, milliseconds(4));
  EXPECT_EQ(timeouts.response_head, milliseconds(5));
  EXPECT_EQ(timeouts.response_body, milliseconds(6));
  EXPECT_EQ(timeouts.upstream_idle, milliseconds(7));
  EXPECT_EQ(timeouts.tunnel_idle, milliseconds(8));
  EXPECT_EQ(timeouts.drain, milliseconds(0));
}

TEST(Parse, VersionsAreReadInFull) {
  const Service service = service_with("    reveal: trusted\n");
  ASSERT_EQ(service.versions.size(), 2u);
  EXPECT_EQ(service.versions[0].name, "new") << "in the order of the file";
  EXPECT_EQ(service.stable_index(), 1u);
  EXPECT_EQ(service.reveal, Reveal::trusted);
  const Config config = read(
      "listeners: [{ address: 127.0.0.1:8080 }]\n"
      "services: [{ name: s, versions: { v: { endpoints: [a:1, unix:/b], balance: round_robin, max_connections: 7,\n"
      "  timeouts: { connect: 1s, response_head: 2s, response_body: 3s, upstream_idle: 4s } } } }]\n");
  const Version& version = config.services.at(0).versions.at(0);
  EXPECT_EQ(version.endpoints.at(0).address.host, "a");
  EXPECT_EQ(version.endpoints.at(1).address.path, "/b");
  EXPECT_EQ(version.endpoints.at(1).where.line, 2);
  EXPECT_EQ(version.balance, Balance::round_robin);
  EXPECT_EQ(version.max_connections, 7u);
  EXPECT_EQ(version.timeouts.connect, milliseconds(1000));
  EXPECT_EQ(version.timeouts.response_head, milliseconds(2000));
  EXPECT_EQ(version.timeouts.response_body, milliseconds(3000));
  EXPECT_EQ(version.timeouts.upstream_idle, milliseconds(4000));
}

TEST(Parse, CohortsAreReadInFull) {
  const Cohort cohort = service_with(
                            "    cohort: { key: [header:X-User-Id, cookie:uid, query:u, client_ip], salt: pepper,\n"
                            "      without_key: mint, mint: { cookie: id, max_age: 2m }, allow_reshuffle: true }\n")
                            .cohort;
  using Kind = CohortKey::Kind;
  EXPECT_THAT(cohort.keys, ::testing::ElementsAre(CohortKey{Kind::header, "X-User-Id"}, CohortKey{Kind::cookie, "uid"},
                                                  CohortKey{Kind::query, "u"}, CohortKey{Kind::client_ip, ""}));
  EXPECT_EQ(cohort.keys[1].text(), "cookie:uid");
  EXPECT_EQ(cohort.keys[3].text(), "client_ip");
  EXPECT_EQ(cohort.salt, "pepper");
  EXPECT_EQ(cohort.without_key, WithoutKey::mint);
  EXPECT_EQ(cohort.mint.cookie, "id");
  EXPECT_EQ(cohort.mint.max_age, std::chrono::minutes(2));
  EXPECT_TRUE(cohort.allow_reshuffle);
}

TEST(Parse, EveryConditionIsRead) {
  const Service service = service_with(
      "    rules:\n"
      "      - when:\n"
      "          header: { A: x, B: { regex: y }, C: { prefix: z }, D: { present: false } }\n"
      "          cookie: { E: { present: true } }\n"
      "          query: { F: \"\" }\n"
      "          method: [GET, HEAD]\n"
      "          path_prefix: /p\n"
      "          path_regex: q$\n"
      "          client_ip: 192.0.2.0/24\n"
      "          region: NZ\n"
      "          not: { method: PUT, not: { region: [AU] } }\n"
      "        send: new\n");
  const Conditions& when = service.rules.at(0).when;
  using Kind = ValueTest::Kind;
  ASSERT_EQ(when.headers.size(), 4u);
  EXPECT_EQ(when.headers[0].name, "A");
  EXPECT_EQ(when.headers[0].test.kind, Kind::exact);
  EXPECT_EQ(when.headers[0].test.text, "x");
  EXPECT_EQ(when.headers[1].test.kind, Kind::regex);
  EXPECT_EQ(when.headers[1].test.text, "y");
  EXPECT_EQ(when.headers[1].test.where.line, 8);
  EXPECT_EQ(when.headers[2].test.kind, Kind::prefix);
  EXPECT_EQ(when.headers[2].test.text, "z");
  EXPECT_EQ(when.headers[3].test.kind, Kind::present);
  EXPECT_FALSE(when.headers[3].test.present);
  EXPECT_TRUE(when.cookies.at(0).test.present);
  EXPECT_EQ(when.queries.at(0).test.kind, Kind::exact);
  EXPECT_EQ(when.queries.at(0).test.text, "");
  EXPECT_THAT(when.methods, ::testing::ElementsAre("GET", "HEAD"));
  EXPECT_EQ(when.path_prefix, "/p");
  EXPECT_EQ(when.path_regex, "q$");
  EXPECT_EQ(when.path_regex_where.line, 13);
  EXPECT_THAT(when.client_ip, ::testing::ElementsAre(*parse_cidr("192.0.2.0/24")));
  EXPECT_THAT(when.regions, ::testing::ElementsAre("NZ"));
  ASSERT_EQ(when.not_.size(), 1u);
  EXPECT_THAT(when.not_[0].methods, ::testing::ElementsAre("PUT"));
  EXPECT_THAT(when.not_[0].not_.at(0).regions, ::testing::ElementsAre("AU"));
}

TEST(Parse, RulesWithoutANameAreCounted) {
  const Service service = service_with(
      "    rules:\n"
      "      - { when: { region: NZ }, send: old }\n"
      "      - { name: south, when: { region: AU }, send: old }\n"
      "      - { when: { region: PE }, split: { new: 50% } }\n");
  ASSERT_EQ(service.rules.size(), 3u);
  EXPECT_EQ(service.rules[0].name, "rule-1");
  EXPECT_EQ(service.rules[1].name, "south");
  EXPECT_EQ(service.rules[2].name, "rule-3");
  EXPECT_FALSE(service.rules[0].split);
  EXPECT_EQ(service.candidate_share(service.rules[2].split), Share{500'000});
}

TEST(Parse, TheVersionThatASplitDoesNotNameGetsTheRest) {
  const auto shares = [](const std::string& split) { return service_with("    split: " + split + "\n").split->shares; };
  const auto make = [](uint32_t old_share, uint32_t new_share) {
    return ::testing::UnorderedElementsAre(std::pair<std::string, Share>("old", Share{old_share}),
                                           std::pair<std::string, Share>("new", Share{new_share}));
  };
  EXPECT_THAT(shares("{ new: 10% }"), make(900'000, 100'000));
  EXPECT_THAT(shares("{ old: 25% }"), make(250'000, 750'000));
  EXPECT_THAT(shares("{ old: 0%, new: 100% }"), make(0, 1'000'000));
}

TEST(Parse, TheHashIsThatOfTheBytes) {
  EXPECT_THAT(smallest_with("").hash, ::testing::MatchesRegex("[0-9a-f]{16}"));
  EXPECT_EQ(smallest_with("").hash, smallest_with("").hash);
  EXPECT_NE(smallest_with("").hash, smallest_with("# a comment\n").hash);
}

TEST(Load, TheExampleIsRightAndWithoutAWarning) {
  const auto loaded = load(weir::testing::source_directory() + "/config/example.yaml");
  ASSERT_TRUE(loaded) << loaded.problems().front().text();
  EXPECT_TRUE(loaded->warnings.empty()) << loaded->warnings.front().text();
}

TEST(Load, ProblemsNameTheFileAsItWasNamed) {
  const ScratchFolder folder;
  const std::string path = folder.write("weir.yaml", "workers: 0\n");
  const auto loaded = load(path);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.problems().back().text(), path + ":1:10: workers: 0 is out of range; write 1 to 512");
}

TEST(Load, AFileThatCannotBeReadIsAProblemLikeAnyOther) {
  const auto missing = load("/nowhere/weir.yaml");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.problems().front().text(),
            "/nowhere/weir.yaml: cannot be read: No such file or directory; name a file that can");
  const auto folder = load("/");
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.problems().front().text(), "/: is a directory; name a file in it");
}

}  // namespace
}  // namespace weir::config
