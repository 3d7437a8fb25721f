// Limits and time-outs of contract §3, and clients that are slow, greedy or leave (http-cases 29 and 30).
#include <fmt/format.h>

#include <future>

#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

std::string proxy_status(const Response& response) { return response.fields.get("Proxy-Status"); }

void expect_told(const Response& response, int status) {
  EXPECT_EQ(response.status, status) << response;
  if (peer() == "weir") {
    EXPECT_TRUE(proxy_status(response).starts_with("weir; error=")) << response;
  }
}

TEST(Limit, ATargetMayBeAsLongAsTheLimitAndNotLonger) {
  Edge edge(ok("served"), {.limits = {{"request_target", "1KiB"}}});
  EXPECT_EQ(edge.fetch(get("/" + std::string(1023, 'a'))).status, 200);
  expect_told(edge.fetch(get("/" + std::string(1024, 'a'))), 414);
  EXPECT_EQ(edge.origin.complete_requests(), 1u);
}

TEST(Limit, AnEndlessTargetIsRefusedBeforeItsEnd) {
  Edge edge;
  Client client = edge.client();
  client.send("GET /" + std::string(200'000, 'a'));
  int status = client.receive().status;
  EXPECT_TRUE(status == 414 || status == 431) << status;
}

TEST(Limit, AHeadMayHaveAsManyFieldsAsTheLimitAndNotMore) {
  Edge edge(ok("served"), {.limits = {{"request_headers", "10"}}});
  std::string nine;
  for (int i = 0; i < 9; ++i) nine += fmt::format("X-{}: 1\r\n", i);
  EXPECT_EQ(edge.fetch(get("/", "shop.example", nine)).status, 200);  // and Host
  expect_told(edge.fetch(get("/", "shop.example", nine + "X-10: 1\r\n")), 431);
}

TEST(Limit, AHeadLargerThanTheLimitIsRefused) {
  Edge edge(ok("served"), {.limits = {{"request_head", "4KiB"}}});
  EXPECT_EQ(edge.fetch(get("/", "shop.example", "X-A: " + std::string(3900, 'a') + "\r\n")).status, 200);
  expect_told(edge.fetch(get("/", "shop.example", "X-A: " + std::string(4200, 'a') + "\r\n")), 431);
}

TEST(Limit, AnEndlessHeadIsRefusedBeforeItsEnd) {
  Edge edge;
  Client client = edge.client();
  client.send("GET / HTTP/1.1\r\nHost: shop.example\r\nX-A: " + std::string(300'000, 'a'));
  EXPECT_EQ(client.receive().status, 431);
}

TEST(Limit, LargeHeadsWithinTheLimitPass) {
  Edge edge;
  std::string value(60'000, 'a');
  EXPECT_EQ(expect_forwarded(edge, get("/", "shop.example", "X-A: " + value + "\r\n")).fields.get("X-A"), value);
}

TEST(Limit, ABodyByLengthMayBeAsLargeAsTheLimitAndNotLarger) {
  Edge edge(ok("served"), {.limits = {{"request_body", "1KiB"}}});
  EXPECT_EQ(edge.fetch(post("/", std::string(1024, 'a')), "POST").status, 200);
  expect_told(edge.fetch(post("/", std::string(1025, 'a')), "POST"), 413);
  EXPECT_EQ(edge.origin.complete_requests(), 1u);
}

TEST(Limit, ABodyInChunksIsCountedAsItComes) {
  Edge edge(ok("served"), {.limits = {{"request_body", "1KiB"}}});
  const std::string head = "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(edge.fetch(head + chunks(std::string(1024, 'a'), 100), "POST").status, 200);
  EXPECT_EQ(edge.fetch(head + chunks(std::string(1025, 'a'), 100), "POST").status, 413);
  EXPECT_EQ(edge.origin.complete_requests(), 1u);
}

TEST(Limit, ATooLargeBodyIsRefusedBeforeItIsSent) {
  Edge edge(ok("served"), {.limits = {{"request_body", "1KiB"}}});
  Client client = edge.client();
  client.send("POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5000\r\nExpect: 100-continue\r\n\r\n");
  Response response = client.receive("POST");
  EXPECT_EQ(response.status, 413);
  EXPECT_TRUE(response.interim.empty());
}

TEST(Limit, AResponseHeadLargerThanTheLimitIsABadGateway) {
  Edge edge(ok("served"), {.limits = {{"response_head", "4KiB"}}});
  edge.origin.on("/large", ok("large", "X-A: " + std::string(8000, 'a') + "\r\n"));
  EXPECT_EQ(edge.fetch(get("/large")).status, 502);
  EXPECT_EQ(edge.fetch(get("/")).status, 200);
}

TEST(Limit, MoreConnectionsThanTheLimitAreTurnedAwayUntilOneLeaves) {
  Origin origin;
  auto weir = weir_with({.old_endpoints = {origin.address()}, .limits = {{"connections", "4"}}});
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back(weir->edge());
    clients.back().send(get("/"));
    ASSERT_EQ(clients.back().receive().status, 200);
  }
  Client fifth(weir->edge());
  fifth.send(get("/"));
  Response response = fifth.receive();
  EXPECT_TRUE(response.status == 0 || response.status == 503) << response;
  EXPECT_GE(weir->metrics().sum("weir_connections_rejected_total", {{"listener", "edge"}}), 1);
  clients.clear();
  EXPECT_TRUE(wait_until([&] { return fetch(weir->edge(), get("/")).status == 200; }));
}

TEST(Limit, AnEndpointsConnectionsAreLimitedAndTheRestTold) {
  std::promise<void> release;
  auto released = release.get_future().share();
  Origin origin([released](Turn& turn) {
    turn.read_body();
    if (turn.request().target == "/hold") released.wait_for(kPatience);
    turn.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  auto weir = weir_with({.old_endpoints = {origin.address()}, .old_version = {"max_connections: 1"}});
  Client first(weir->edge());
  first.send(get("/hold"));
  ASSERT_TRUE(origin.wait_for_requests(1));
  Response response = fetch(weir->edge(), get("/"));
  EXPECT_EQ(response.status, 503) << response;
  EXPECT_TRUE(response.fields.has("Retry-After"));
  release.set_value();
  EXPECT_EQ(first.receive().status, 200);
  EXPECT_TRUE(wait_until([&] { return fetch(weir->edge(), get("/")).status == 200; }));
}

TEST(Timeout, AHeadThatStopsIsAnswered408) {
  Edge edge(ok("served"), {.timeouts = {{"request_head", "300ms"}}});
  Client client = edge.client();
  client.send("GET / HTTP/1.1\r\nHost: shop");
  expect_told(client.receive(), 408);
  EXPECT_EQ(client.receive_all(), "");
}

TEST(Timeout, AHeadThatDripsIsNotGivenMoreTime) {
  Edge edge(ok("served"), {.timeouts = {{"request_head", "500ms"}}});
  Client client = edge.client();
  auto start = Clock::now();
  client.send("GET / HTTP/1.1\r\n");
  while (client.silent_for(Duration(50)) && client.send("X") && Clock::now() - start < kPatience) {
  }
  EXPECT_LT(Clock::now() - start, kPatience) << "as long as it drips";
  EXPECT_EQ(client.receive().status, 408);
}

TEST(Timeout, AClientThatSaysNothingIsClosed) {
  Edge edge(ok("served"), {.timeouts = {{"request_head", "300ms"}, {"client_idle", "300ms"}}});
  Client client = edge.client();
  client.receive_all();
  EXPECT_NE(client.end(), End::timeout);
}

TEST(Timeout, ABodyThatStopsIsAnsweredAndNeverComplete) {
  Edge edge(ok("served"), {.timeouts = {{"request_body", "300ms"}}});
  Client client = edge.client();
  client.send("POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 50\r\n\r\nhello");
  Response response = client.receive("POST");
  EXPECT_TRUE(response.status == 408 || response.status == 0) << response;
  EXPECT_TRUE(wait_until([&] { return edge.origin.open_connections() == 0; }));
  EXPECT_EQ(edge.origin.complete_requests(), 0u);
}

TEST(Timeout, ASlowBodyThatKeepsComingIsServed) {
  Edge edge(ok("served"), {.timeouts = {{"request_body", "1s"}, {"request_head", "500ms"}}});
  Client client = edge.client();
  client.send("POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 8\r\n\r\n");
  for (int i = 0; i < 8; ++i) {
    EXPECT_TRUE(client.silent_for(Duration(150)));
    client.send("x");
  }
  EXPECT_EQ(client.receive("POST").status, 200);
  EXPECT_EQ(edge.origin.only_request().body, "xxxxxxxx");
}

TEST(Timeout, OfAVersionWinsOverTheFiles) {
  Origin origin(never());
  auto weir = weir_with({.old_endpoints = {origin.address()},
                         .timeouts = {{"response_head", "1h"}},
                         .old_version = {"timeouts: { response_head: 300ms }"}});
  EXPECT_EQ(fetch(weir->edge(), get("/")).status, 504);
}

TEST(Abuse, SlowHeadsAndIdleConnectionsDoNotHinderOthers) {
  Edge edge;
  std::vector<Client> slow, idle;
  for (int i = 0; i < 2000; ++i) idle.push_back(edge.client());
  for (int i = 0; i < 200; ++i) slow.push_back(edge.client());
  const std::string head = get("/slow");
  std::vector<Clock::duration> took;
  for (size_t at = 0; at < 20; ++at) {
    for (Client& client : slow) client.send(std::string_view(head).substr(at, 1));
    const auto start = Clock::now();
    ASSERT_EQ(edge.fetch(get("/")).status, 200);
    took.push_back(Clock::now() - start);
  }
  EXPECT_LT(middle(took), std::chrono::seconds(1));
  for (Client& client : slow) client.send(std::string_view(head).substr(20));
  for (Client& client : slow) ASSERT_EQ(client.receive().status, 200);
  idle.back().send(get("/idle"));
  EXPECT_EQ(idle.back().receive().status, 200);
}

TEST(Abuse, AClientThatAsksAndNeverReadsIsNotBufferedForEver) {
  Edge edge(ok(std::string(20'000, 'x')));
  edge.origin.forget();
  edge.fetch(get("/"));
  size_t before = edge.proxy->program().resident_bytes();
  Client client = edge.client({.receive_buffer = 4096});
  std::string many;
  for (int i = 0; i < 1000; ++i) many += get("/");
  Wire& wire = client.wire();
  for (int i = 0; i < 300 && wire.send(many, within(Duration(200))); ++i) {
  }
  size_t after = edge.proxy->program().resident_bytes();
  EXPECT_LT(after - std::min(before, after), size_t{16} << 20);
  EXPECT_EQ(edge.fetch(get("/")).status, 200);
}

TEST(Timeout, AClientThatDoesNotReadItsAnswerIsLeft) {
  Edge edge(
      [](Turn& turn) {
        turn.read_body();
        turn.send("HTTP/1.1 200 OK\r\nContent-Length: 500000000\r\n\r\n");
        std::string piece(1 << 20, 'x');
        while (turn.send(piece)) {
        }
        turn.close();
      },
      {.timeouts = {{"response_body", "300ms"}}});
  Client client = edge.client({.receive_buffer = 4096});
  client.send(get("/"));
  EXPECT_EQ(client.receive_head().status, 200);
  EXPECT_TRUE(wait_until([&] { return edge.origin.open_connections() == 0; }));
}

TEST(Abuse, AClientThatLeavesInsideItsBodyIsNeverCompleted) {
  for (bool reset : {false, true}) {
    for (bool in_chunks : {false, true}) {
      Edge edge;
      Client client = edge.client();
      client.send(in_chunks
                      ? "POST /half HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
                      : "POST /half HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 50\r\n\r\nhello");
      ASSERT_TRUE(wait_until([&] { return edge.origin.connections() == 1; }));
      reset ? client.reset() : client.close();
      EXPECT_TRUE(wait_until([&] { return edge.origin.open_connections() == 0; }));
      EXPECT_EQ(edge.fetch(get("/next")).status, 200);
      for (const Request& request : edge.origin.requests()) EXPECT_EQ(request.complete, request.target == "/next");
    }
  }
}

TEST(Abuse, AClientThatLeavesBeforeItsAnswerFreesTheOrigin) {
  Edge edge(never());
  Client client = edge.client();
  client.send(get("/"));
  ASSERT_TRUE(edge.origin.wait_for_requests(1));
  client.reset();
  EXPECT_TRUE(wait_until([&] { return edge.origin.open_connections() == 0; }));
}

TEST(Abuse, AClientThatLeavesInsideItsAnswerFreesTheOrigin) {
  Edge edge([](Turn& turn) {
    turn.read_body();
    turn.send("HTTP/1.1 200 OK\r\nContent-Length: 500000000\r\n\r\n");
    std::string piece(1 << 20, 'x');
    while (turn.send(piece)) {
    }
    turn.close();
  });
  Client client = edge.client({.receive_buffer = 4096});
  client.send(get("/"));
  EXPECT_EQ(client.receive_head().status, 200);
  client.reset();
  EXPECT_TRUE(wait_until([&] { return edge.origin.open_connections() == 0; }));
}

}  // namespace
}  // namespace weir::testing
