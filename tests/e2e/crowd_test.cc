// Many clients at once: nobody gets another's answer, and nothing is left behind when they are gone.
#include <fmt/format.h>

#include <atomic>
#include <thread>

#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

/// Answers with the target as the body: by length, in chunks, by closing or behind an interim head, as the target says.
void tell_target(Turn& turn) {
  const std::string target = turn.read_body().target;
  if (!turn.request().complete) return turn.close();
  std::string padded = target + std::string(target.size() % 7 * 500, '.');
  switch (target.back() % 5) {
    case 0:
      turn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(padded, 100));
      break;
    case 1:
      turn.send("HTTP/1.1 200 OK\r\n\r\n" + padded);
      turn.close();
      break;
    case 2:
      turn.send("HTTP/1.1 103 Early Hints\r\n\r\n");
      [[fallthrough]];
    default:
      turn.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", padded.size(), padded));
  }
}

TEST(Crowd, EveryoneGetsTheirOwnAnswer) {
  constexpr int kClients = 32, kRequests = 150;
  Edge edge(tell_target, {.workers = 2});
  edge.origin.forget();
  std::atomic<int> right{0};
  std::vector<std::thread> crowd;
  for (int c = 0; c < kClients; ++c) {
    crowd.emplace_back([&, c] {
      Client client = edge.client();
      client.wire().forget();
      for (int i = 0; i < kRequests; ++i) {
        std::string target = fmt::format("/{}/{}", c, i);
        client.send(i % 3 == 0 ? post(target, std::string(static_cast<size_t>(i * 50), 'x')) : get(target));
        Response response = client.receive();
        if (response.status != 200 || !response.body.starts_with(target)) return;
        if (response.body.size() != target.size() + target.size() % 7 * 500) return;
        ++right;
      }
    });
  }
  for (std::thread& client : crowd) client.join();
  EXPECT_EQ(right, kClients * kRequests);
}

/// One connection of a client that behaves badly in the way of this number.
void misbehave_at(const std::string& edge, int way) {
  Client client(edge);
  switch (way % 8) {
    case 0:
      client.send("GET / HTTP/1.1\r\nHost: shop");
      break;
    case 1:
      client.send("POST /a HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 500\r\n\r\nhello");
      break;
    case 2:
      client.send("nonsense\r\n\r\n");
      break;
    case 3:
      client.send(get("/cut"));
      break;
    case 4:
      client.send(get("/drop") + get("/1"));
      break;
    case 5:
      client.send("POST /a HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n");
      break;
    case 6:
      client.send(get("/large"));
      break;
    case 7:
      client.send(get("/ws", "shop.example", "Connection: Upgrade\r\nUpgrade: x\r\n") + "bytes");
      break;
  }
  if (way % 3 == 0 && way % 8 > 1) client.receive_head();  // the first two are never answered
  way % 2 == 0 ? client.reset() : client.close();
}

TEST(Crowd, NothingIsLeftOfThoseWhoAreGone) {
  Origin origin;
  origin.forget();
  origin.on("/cut", raw_then_reset("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut"));
  origin.on("/drop", raw_then_close(""));
  origin.on("/large", ok(std::string(3'000'000, 'x')));
  origin.on("/ws", [](Turn& turn) {
    turn.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    turn.read_all();
    turn.close();
  });
  ConfigText config{.workers = 2, .timeouts = {{"upstream_idle", "200ms"}}};
  config.old_endpoints = {origin.address()};
  auto weir = weir_with(config);
  fetch(weir->edge(), get("/"));
  auto idle = [&] {
    Metrics metrics = weir->metrics();
    return metrics.sum("weir_connections") == 0 && metrics.sum("weir_upstream_connections") == 0 &&
           metrics.sum("weir_requests_in_flight") == 0 && origin.open_connections() == 0;
  };
  ASSERT_TRUE(wait_until(idle));
  size_t before = weir->program().open_descriptors();
  for (int round = 0; round < 2; ++round) {
    for (int way = 0; way < 400; ++way) misbehave_at(weir->edge(), way);
    EXPECT_TRUE(wait_until(idle)) << "after round " << round;
  }
  EXPECT_TRUE(wait_until([&] { return weir->program().open_descriptors() <= before + 2; }))
      << weir->program().open_descriptors() << " descriptors, " << before << " before";
  EXPECT_EQ(fetch(weir->edge(), get("/")).status, 200);
}

TEST(Retry, APostIsTriedAtAnotherEndpointWhenTheFirstRefuses) {
  Origin first("first"), second("second");
  auto weir =
      weir_with({.old_endpoints = {first.address(), second.address()}, .old_version = {"balance: round_robin"}});
  first.stop();
  int served = 0;
  for (int i = 0; i < 10; ++i) served += fetch(weir->edge(), post("/", "hello"), "POST").body == "second";
  EXPECT_GE(served, 5);
  EXPECT_EQ(second.complete_requests(), static_cast<size_t>(served));
}

TEST(Retry, AnAnswerIsNeverRetriedByDefault) {
  Edge edge(raw("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"));
  EXPECT_EQ(edge.fetch(get("/")).body, "busy");
  EXPECT_EQ(edge.origin.complete_requests(), 1u);
}

TEST(Expect, IsAnsweredFinallyWhereNoEndpointIs) {
  Edge edge;
  edge.origin.stop();
  Client client = edge.client();
  client.send("POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  Response response = client.receive("POST");
  EXPECT_EQ(response.status, 502);
  EXPECT_TRUE(response.interim.empty());
}

}  // namespace
}  // namespace weir::testing
