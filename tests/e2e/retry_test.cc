// Requests that are tried again, and those that are not (contract §7).
#include <fmt/format.h>

#include <thread>

#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

const std::string kUser = "Cookie: uid=user-1\r\n";
const std::string kUnavailable =
    "HTTP/1.1 503 No\r\nX-Discarded: yes\r\nSet-Cookie: a=b\r\nContent-Length: 4\r\n\r\nlate";

/// Says this first, then the other for ever.
Script once(Script first, Script then) {
  auto asked = std::make_shared<std::atomic<int>>(0);
  return [=](Turn& turn) { (asked->fetch_add(1) == 0 ? first : then)(turn); };
}

/// One origin behind a service with this `retry`.
struct Tried {
  explicit Tried(const std::string& retry, Script script) : origin(std::move(script)) {
    weir = weir_with({.old_endpoints = {origin.address()},
                      .timeouts = {{"response_head", "300ms"}},
                      .service = {"retry: " + retry}});
  }
  Response ask(const std::string& request, std::string_view method = "GET") {
    return fetch(weir->edge(), request, method);
  }
  double retries(const std::string& result) {
    return weir->metrics().sum("weir_upstream_retries_total", {{"result", result}});
  }
  Origin origin;
  std::unique_ptr<Weir> weir;
};

TEST(Retry, AnAnswerThatIsNamedIsTriedAgainAndNothingOfItIsSeen) {
  Tried tried("{ when: [503] }", once(raw(kUnavailable), ok("well")));
  const Response response = tried.ask(get("/"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "well");
  EXPECT_FALSE(response.fields.has("X-Discarded"));
  EXPECT_FALSE(response.fields.has("Set-Cookie"));
  EXPECT_EQ(tried.retries("ok"), 1);
  const Metrics metrics = tried.weir->metrics();
  EXPECT_EQ(metrics.sum("weir_errors_total", {{"error", "http_response_status"}}), 1);
  EXPECT_EQ(metrics.sum("weir_requests_total"), 1);
  EXPECT_EQ(metrics.sum("weir_requests_total", {{"code_class", "2xx"}}), 1);
}

TEST(Retry, AnAnswerThatIsNotNamedIsPassedOn) {
  Tried tried("{ when: [connect, reset, 502] }", raw(kUnavailable));
  const Response response = tried.ask(get("/"));
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, "late");
  EXPECT_EQ(tried.origin.complete_requests(), 1u);
}

TEST(Retry, TakesNobodysTurn) {
  Origin dead("dead"), second("second"), third("third");
  auto weir = weir_with({.old_endpoints = {dead.address(), second.address(), third.address()},
                         .old_version = {"balance: round_robin", "outlier: none"}});
  dead.stop();
  for (int i = 0; i < 36; ++i) EXPECT_EQ(fetch(weir->edge(), get("/")).status, 200);
  // Each has its third, and of the dead one's they are given half and half.
  EXPECT_EQ(second.complete_requests(), 18u);
  EXPECT_EQ(third.complete_requests(), 18u);
}

TEST(Retry, WhatIsNotIdempotentIsSentOnce) {
  Tried tried("{ when: [reset, timeout, 503] }", raw(kUnavailable));
  EXPECT_EQ(tried.ask(post("/", "body"), "POST").status, 503);
  tried.origin.answer(raw_then_reset(""));
  EXPECT_EQ(tried.ask(post("/", "body"), "POST").status, 502);
  tried.origin.answer(never());
  EXPECT_EQ(tried.ask(post("/", "body"), "POST").status, 504);
  EXPECT_EQ(tried.origin.complete_requests(), 3u);
}

TEST(Retry, AnIdempotentRequestGoesAgainWithItsBody) {
  Tried tried("{ when: [503] }", once(raw(kUnavailable), echo()));
  const Response response = tried.ask("PUT / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5\r\n\r\nhello", "PUT");
  EXPECT_EQ(response.body, "hello");
  EXPECT_EQ(tried.origin.complete_requests(), 2u);
}

TEST(Retry, AResetBeforeTheHeadsEndIsTriedAgainAndOneInTheBodyIsNot) {
  Tried tried("{ when: [reset] }", once(raw_then_close("HTTP/1.1 200 OK\r\nContent-"), ok("well")));
  EXPECT_EQ(tried.ask(get("/")).body, "well");
  tried.origin.answer(once(raw_then_close("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), ok("well")));
  const Response cut = tried.ask(get("/"));
  EXPECT_FALSE(cut.complete);
  EXPECT_EQ(tried.origin.complete_requests(), 3u);
}

TEST(Retry, AnInterimAnswerIsTheBeginningOfAResponse) {
  Tried tried("{ when: [reset, 503] }",
              once(raw("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + kUnavailable), ok("")));
  EXPECT_EQ(tried.ask(get("/")).status, 503);
  EXPECT_EQ(tried.origin.complete_requests(), 1u);
}

TEST(Retry, ATimeOutIsTriedAgainWhereItIsNamed) {
  Tried tried("{ when: [timeout] }", once(never(), ok("well")));
  EXPECT_EQ(tried.ask(get("/")).body, "well");
  Tried other("{ when: [reset] }", once(never(), ok("well")));
  EXPECT_EQ(other.ask(get("/")).status, 504);
}

TEST(Retry, AsManyTimesAsTheFileSays) {
  Tried tried("{ retries: 3, when: [503] }", raw(kUnavailable));
  EXPECT_EQ(tried.ask(get("/")).status, 503);
  EXPECT_EQ(tried.origin.complete_requests(), 4u);
  Tried never_again("{ retries: 0, when: [connect, reset, 503] }", raw(kUnavailable));
  EXPECT_EQ(never_again.ask(get("/")).status, 503);
  EXPECT_EQ(never_again.origin.complete_requests(), 1u);
}

TEST(Retry, TheBudgetBoundsWhatASickVersionGets) {
  Tried tried("{ when: [503], budget: 10% }", raw(kUnavailable));
  const auto start = Clock::now();
  Client client(tried.weir->edge());
  for (int i = 0; i < 400; ++i) {
    client.send(get("/"));
    EXPECT_EQ(client.receive().status, 503);
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const double again = static_cast<double>(tried.origin.complete_requests()) - 400;
  EXPECT_GE(again, 100);
  EXPECT_LE(again, 100 + 10 * (seconds + 1) + 40);
  EXPECT_EQ(tried.retries("failed") + tried.retries("ok") + tried.retries("exhausted"), 400);
}

/// A candidate at 100% with rescue.
struct Rescued {
  explicit Rescued(Script script, const std::string& when = "[connect, reset, timeout, 500, 502, 503, 504]")
      : new_origin(std::move(script)) {
    weir = weir_with({.old_endpoints = {old_origin.address()},
                      .new_endpoints = {new_origin.address()},
                      .share = "100%",
                      .timeouts = {{"response_head", "300ms"}},
                      .service = {"reveal: all", "retry: { when: " + when + ", rescue_on_stable: true }"}});
  }
  Response ask(const std::string& request, std::string_view method = "GET") {
    return fetch(weir->edge(), request, method);
  }
  Origin old_origin{"old"}, new_origin;
  std::unique_ptr<Weir> weir;
};

TEST(Rescue, AGetThatTheCandidateFailedIsAnsweredByStableAndCountsAgainstTheCandidate) {
  for (const Script& fails : {raw(kUnavailable), raw_then_reset(""), raw_then_close("HTTP/1.1 200"), never()}) {
    Rescued rescued(fails);
    const Response response = rescued.ask(get("/", "shop.example", kUser));
    EXPECT_EQ(response.body, "old");
    EXPECT_EQ(response.fields.get("X-Weir-Version"), "old");
    EXPECT_TRUE(response.fields.get("X-Weir-Reason").starts_with("fallback")) << response;
    const Metrics metrics = rescued.weir->metrics();
    EXPECT_EQ(metrics.sum("weir_errors_total", {{"version", "new"}}), 1);
    EXPECT_EQ(metrics.sum("weir_errors_total", {{"version", "old"}}), 0);
    EXPECT_EQ(metrics.sum("weir_requests_total", {{"version", "new"}}), 0);
    EXPECT_EQ(metrics.sum("weir_requests_total", {{"version", "old"}, {"decided_by", "fallback"}}), 1);
    EXPECT_EQ(metrics.sum("weir_upstream_retries_total", {{"version", "new"}, {"result", "ok"}}), 1);
    EXPECT_TRUE(wait_until([&] { return rescued.weir->metrics().sum("weir_requests_in_flight") == 0; }));
  }
}

TEST(Rescue, WhatMayChangeSomethingStaysWithTheCandidate) {
  Rescued rescued(raw(kUnavailable));
  EXPECT_EQ(
      rescued.ask("PUT / HTTP/1.1\r\nHost: shop.example\r\n" + kUser + "Content-Length: 1\r\n\r\na", "PUT").status,
      503);
  EXPECT_EQ(rescued.new_origin.complete_requests(), 2u);
  EXPECT_EQ(rescued.ask(post("/", "a", kUser), "POST").status, 503);
  EXPECT_EQ(rescued.new_origin.complete_requests(), 3u);
  EXPECT_EQ(rescued.old_origin.complete_requests(), 0u);
}

TEST(Rescue, WhatWasNeverSentGoesToStableWhateverItsMethod) {
  Rescued rescued(ok("new"));
  rescued.new_origin.stop();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(rescued.ask(post("/", "a", kUser), "POST").body, "old");
  EXPECT_EQ(rescued.weir->metrics().sum("weir_fallback"), 1);
}

TEST(Rescue, HappensOnceAndTheStableVersionsOwnFailuresAreNotRescued) {
  Rescued rescued(raw(kUnavailable));
  rescued.old_origin.answer(raw("HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_EQ(rescued.ask(get("/", "shop.example", kUser)).status, 502);
  EXPECT_EQ(rescued.old_origin.complete_requests(), 1u);
  EXPECT_EQ(rescued.new_origin.complete_requests(), 1u);
  EXPECT_EQ(rescued.ask(get("/")).status, 502) << "without a key: the stable version's own";
  EXPECT_EQ(rescued.new_origin.complete_requests(), 1u);
}

}  // namespace
}  // namespace weir::testing
