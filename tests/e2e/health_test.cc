// Who is healthy, and where requests go meanwhile (contract §3: precedence, fallback, panic).
#include <fmt/format.h>

#include <map>

#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

const std::string kProbed = "health: { path: /healthz, interval: 100ms, timeout: 1s, fall: 2, rise: 2 }";
const std::string kUser = "Cookie: uid=user-1\r\n";

Script status(int code) {
  return [code](Turn& turn) {
    turn.read_body();
    turn.send(fmt::format("HTTP/1.1 {} Said\r\nContent-Length: 0\r\n\r\n", code));
  };
}

/// Bodies of so many answers, each on a connection of its own.
std::map<std::string, int> bodies(const Weir& weir, int requests, const std::string& lines = "") {
  std::map<std::string, int> seen;
  for (int i = 0; i < requests; ++i) {
    const Response response = fetch(weir.edge(), get("/", "shop.example", lines));
    ++seen[response.status == 200 ? response.body : std::to_string(response.status)];
  }
  return seen;
}

bool up_becomes(Weir& weir, double count, const Labels& labels = {}) {
  return wait_until([&] { return weir.metrics().sum("weir_endpoint_up", labels) == count; });
}

/// Two endpoints of the stable version, the second answering probes as `second` says.
struct Pair {
  explicit Pair(ConfigText config = {}) {
    config.old_endpoints = {first.address(), second.address()};
    weir = weir_with(std::move(config));
  }
  Origin first{"first"}, second{"second"};
  std::unique_ptr<Weir> weir;
};

TEST(Probe, AnEndpointThatFailsItsProbesGetsNothingUntilTheyPass) {
  Pair pair({.old_version = {kProbed, "balance: round_robin"}});
  ASSERT_TRUE(wait_until([&] { return !pair.second.requests().empty(); }));
  pair.second.on("/healthz", status(503));
  ASSERT_TRUE(up_becomes(*pair.weir, 1));
  EXPECT_EQ(bodies(*pair.weir, 10), (std::map<std::string, int>{{"first", 10}}));
  const Response told = pair.weir->admin_get("/api/v1/services/shop");
  EXPECT_NE(told.body.find("\"why\":\"probe\""), std::string::npos) << told.body;
  pair.second.on("/healthz", status(204));
  ASSERT_TRUE(up_becomes(*pair.weir, 2));
  EXPECT_EQ(bodies(*pair.weir, 10).size(), 2u);
  EXPECT_TRUE(pair.weir->program().wait_for_text("healthy again, after: probe"));
}

TEST(Probe, IsAPlainGetOnAConnectionOfItsOwnAndCountedNowhere) {
  Origin origin;
  auto weir = weir_with({.old_endpoints = {origin.address()},
                         .old_version = {"health: { path: /live, interval: 100ms, host: probe.example }"}});
  ASSERT_TRUE(origin.wait_for_requests(3));
  const auto requests = origin.requests();
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(requests[i].method + " " + requests[i].target, "GET /live");
    EXPECT_EQ(requests[i].fields.get("Host"), "probe.example");
    EXPECT_EQ(requests[i].fields.get("Connection"), "close");
    EXPECT_EQ(requests[i].connection, i);
    EXPECT_EQ(requests[i].fault, "");
  }
  const Metrics metrics = weir->metrics();
  EXPECT_EQ(metrics.sum("weir_requests_total"), 0);
  EXPECT_EQ(metrics.sum("weir_upstream_connects_total"), 0);
}

TEST(Probe, PassesByTheStatusesThatAreNamed) {
  Pair pair({.old_version = {"health: { path: /, interval: 100ms, status: [418, 500-510] }"}});
  EXPECT_TRUE(up_becomes(*pair.weir, 0)) << "200 is not among them";
  pair.first.answer(status(418));
  pair.second.answer(status(505));
  EXPECT_TRUE(up_becomes(*pair.weir, 2));
}

TEST(Probe, FailsWithoutAnAnswerInTime) {
  Pair pair({.old_version = {"health: { path: /healthz, interval: 100ms, timeout: 200ms, fall: 1 }"}});
  pair.first.on("/healthz", never());
  EXPECT_TRUE(up_becomes(*pair.weir, 1));
  pair.first.on("/healthz", raw("rubbish\r\n\r\n"));
  pair.second.on("/healthz", raw_then_close("HTTP/1.1 200 OK\r\nContent-"));
  EXPECT_TRUE(up_becomes(*pair.weir, 0));
}

TEST(Panic, AWrongProbeOnTheStableVersionDoesNotTakeTheSiteDown) {
  Pair pair({.old_version = {"health: { path: /wrong, interval: 100ms, status: 204 }"}});
  ASSERT_TRUE(up_becomes(*pair.weir, 0));
  ASSERT_TRUE(wait_until([&] { return pair.weir->metrics().sum("weir_panic", {{"version", "old"}}) == 1; }));
  EXPECT_EQ(bodies(*pair.weir, 40).size(), 2u) << "all are used";
  EXPECT_EQ(bodies(*pair.weir, 40).count("503"), 0u);
  EXPECT_TRUE(pair.weir->program().wait_for_text("weir_panic on"));
  pair.first.on("/wrong", status(204));
  EXPECT_TRUE(wait_until([&] { return pair.weir->metrics().sum("weir_panic") == 0; }));
  EXPECT_TRUE(pair.weir->program().wait_for_text("weir_panic off"));
  EXPECT_EQ(bodies(*pair.weir, 10), (std::map<std::string, int>{{"first", 10}}));
}

/// A candidate at 100%, so that every request with a key is its.
struct Fall {
  explicit Fall(ConfigText config = {}) {
    config.old_endpoints = {old_origin.address()};
    config.new_endpoints = {new_origin.address()};
    config.share = "100%";
    weir = weir_with(std::move(config));
  }
  Origin old_origin{"old"}, new_origin{"new"};
  std::unique_ptr<Weir> weir;
};

TEST(Fallback, ACandidateWithoutAHealthyEndpointFallsBackAtOnce) {
  Fall fall({.service = {"reveal: all"}, .new_version = {kProbed}});
  EXPECT_EQ(fetch(fall.weir->edge(), get("/", "shop.example", kUser)).body, "new");
  fall.new_origin.on("/healthz", status(500));
  ASSERT_TRUE(wait_until([&] { return fall.weir->metrics().sum("weir_fallback", {{"version", "new"}}) == 1; }));
  const Response response = fetch(fall.weir->edge(), get("/", "shop.example", kUser));
  EXPECT_EQ(response.body, "old");
  EXPECT_EQ(response.fields.get("X-Weir-Version"), "old");
  EXPECT_TRUE(response.fields.get("X-Weir-Reason").starts_with("fallback")) << response;
  EXPECT_EQ(fall.weir->metrics().sum("weir_requests_total", {{"version", "old"}, {"decided_by", "fallback"}}), 1);
  EXPECT_TRUE(fall.weir->program().wait_for_text("shop new: without a healthy endpoint: its requests go to old"));
  const Finished told = run(weir_program(), {"status", "--admin", fall.weir->admin()});
  EXPECT_NE(told.output.find("0 of 1 up, requests go to the stable version"), std::string::npos) << told.output;
  EXPECT_NE(told.output.find(fall.new_origin.address() + " (probe)"), std::string::npos) << told.output;
}

TEST(Fallback, ACandidateWhoseOnlyEndpointRefusesFallsBackWithoutProbes) {
  Fall fall;
  fall.new_origin.stop();
  const auto seen = bodies(*fall.weir, 10, kUser);
  EXPECT_LE(seen.contains("502") ? seen.at("502") : 0, 3) << "each of five failed connects, two a request";
  EXPECT_GE(seen.at("old"), 7);
  EXPECT_EQ(fall.weir->metrics().sum("weir_fallback", {{"version", "new"}}), 1);
}

TEST(Fallback, TakesNoMoreThanTheStableVersionMayCarry) {
  Fall fall({.old_version = {"max_connections: 1"}, .new_version = {kProbed}});
  fall.old_origin.on("/hold", never());
  fall.new_origin.on("/healthz", status(500));
  ASSERT_TRUE(wait_until([&] { return fall.weir->metrics().sum("weir_fallback") == 1; }));
  Client holding(fall.weir->edge());
  holding.send(get("/hold", "shop.example", kUser));
  ASSERT_TRUE(wait_until([&] { return !fall.old_origin.requests().empty(); }));
  const Response response = fetch(fall.weir->edge(), get("/", "shop.example", kUser));
  EXPECT_EQ(response.status, 503);
  EXPECT_TRUE(response.fields.has("Retry-After"));
}

TEST(Fallback, AnEditOfTheFileBringsACandidateBackAtOnce) {
  Fall fall;
  fall.new_origin.stop();
  bodies(*fall.weir, 10, kUser);
  ASSERT_EQ(fall.weir->metrics().sum("weir_fallback"), 1);
  Origin another("another");
  ConfigText config = fall.weir->config();
  config.new_endpoints = {another.address()};
  fall.weir->reload(config);
  EXPECT_EQ(fetch(fall.weir->edge(), get("/", "shop.example", kUser)).body, "another");
}

TEST(Ejection, AnsweringFiveHundredsTakesAnEndpointOutForAWhile) {
  Pair pair({.old_version = {"outlier: { consecutive: 3, base: 4s, max: 4s }", "balance: round_robin"}});
  pair.second.answer(status(500));
  const auto seen = bodies(*pair.weir, 20);
  EXPECT_EQ(seen.at("500"), 3);
  EXPECT_EQ(pair.weir->metrics().sum("weir_endpoint_ejections_total", {{"endpoint", pair.second.address()}}), 1);
  EXPECT_EQ(pair.weir->metrics().sum("weir_endpoint_up"), 1);
  EXPECT_TRUE(pair.weir->program().wait_for_text("not healthy: ejected for 4 s"));
  pair.second.answer(ok("second"));
  ASSERT_TRUE(up_becomes(*pair.weir, 2));
  EXPECT_EQ(bodies(*pair.weir, 10), (std::map<std::string, int>{{"first", 5}, {"second", 5}}));
}

TEST(Ejection, SomeoneOnProbationIsOutAgainWithItsFirstFailure) {
  Pair pair({.old_version = {"outlier: { consecutive: 3, base: 3s, max: 1h }", "balance: round_robin"}});
  pair.second.answer(status(500));
  bodies(*pair.weir, 10);
  ASSERT_TRUE(up_becomes(*pair.weir, 2));
  EXPECT_EQ(bodies(*pair.weir, 10).at("500"), 1);
  EXPECT_EQ(pair.weir->metrics().sum("weir_endpoint_ejections_total"), 2);
}

TEST(Ejection, ByDefaultCountsConnectsAndNotWhatIsAnswered) {
  Pair pair({.old_version = {"balance: round_robin"}});
  pair.second.answer(status(500));
  EXPECT_EQ(bodies(*pair.weir, 20).at("500"), 10);
  EXPECT_EQ(pair.weir->metrics().sum("weir_endpoint_up"), 2);
  pair.second.stop();
  EXPECT_EQ(bodies(*pair.weir, 20), (std::map<std::string, int>{{"first", 20}})) << "a failed connect is tried again";
  EXPECT_EQ(pair.weir->metrics().sum("weir_endpoint_up"), 1);
  EXPECT_EQ(pair.weir->metrics().sum("weir_errors_total", {{"error", "connection_refused"}}), 5);
}

TEST(Ejection, NoneEjectsNobody) {
  Pair pair({.old_version = {"outlier: none", "balance: round_robin"}});
  pair.second.stop();
  EXPECT_EQ(bodies(*pair.weir, 20), (std::map<std::string, int>{{"first", 20}}));
  EXPECT_EQ(pair.weir->metrics().sum("weir_endpoint_up"), 2);
  EXPECT_GE(pair.weir->metrics().sum("weir_errors_total", {{"error", "connection_refused"}}), 10);
}

TEST(Ejection, NeverTakesTheOnlyOneNorMoreThanHalf) {
  Pair pair({.old_version = {"outlier: { consecutive: 1, base: 1h, max: 1h }"}});
  pair.first.answer(status(500));
  pair.second.answer(status(502));
  bodies(*pair.weir, 20);
  EXPECT_EQ(pair.weir->metrics().sum("weir_endpoint_ejections_total"), 1);
  EXPECT_EQ(pair.weir->metrics().sum("weir_endpoint_up"), 1);
}

TEST(SlowStart, AnEndpointThatCameBackGetsALittleAtFirst) {
  for (const char* balance : {"balance: round_robin", "balance: least_requests"}) {
    Pair pair({.old_version = {"outlier: { consecutive: 1, base: 300ms, max: 1h }", "slow_start: 1h", balance}});
    EXPECT_GT(bodies(*pair.weir, 40).at("second"), 5);
    pair.second.answer(status(500));
    ASSERT_TRUE(wait_until([&] { return bodies(*pair.weir, 1).contains("500"); }));
    pair.second.answer(ok("second"));
    ASSERT_TRUE(up_becomes(*pair.weir, 2));
    const auto seen = bodies(*pair.weir, 200);
    EXPECT_LT(seen.contains("second") ? seen.at("second") : 0, 50) << balance;
  }
}

}  // namespace
}  // namespace weir::testing
