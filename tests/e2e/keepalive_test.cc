// Connections that carry several exchanges, on the client's side and on the origin's (http-cases 12, 25–27).
#include <fmt/format.h>

#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

/// Answers with the target, so that a response shows whose it is.
void tell_target(Turn& turn) {
  const std::string& target = turn.read_body().target;
  turn.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", target.size(), target));
}

TEST(Pipelining, FiveRequestsInOnePacketGetFiveResponsesInOrder) {
  Edge edge(tell_target);
  Client client = edge.client();
  std::string all;
  for (int i = 0; i < 5; ++i) all += get(fmt::format("/{}", i));
  client.send(all);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client.receive().body, fmt::format("/{}", i));
}

TEST(Pipelining, AByteAPacketMakesNoDifference) {
  Edge edge(tell_target);
  Client client = edge.client();
  std::string all;
  for (int i = 0; i < 5; ++i) all += get(fmt::format("/{}", i));
  client.send_byte_by_byte(all);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client.receive().body, fmt::format("/{}", i));
}

TEST(Pipelining, BodiesBetweenDoNotShift) {
  Edge edge(echo());
  Client client = edge.client();
  client.send(post("/1", "one") + "POST /2 HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n" +
              chunks("two", 1) + post("/3", "") + post("/4", "four"));
  for (const char* body : {"one", "two", "", "four"}) EXPECT_EQ(client.receive("POST").body, body);
}

TEST(Pipelining, AHundredRequestsAreAllAnswered) {
  Edge edge(tell_target);
  Client client = edge.client();
  std::string all;
  for (int i = 0; i < 100; ++i) all += get(fmt::format("/{}", i));
  client.send(all);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(client.receive().body, fmt::format("/{}", i));
}

TEST(Pipelining, NothingIsServedBehindConnectionClose) {
  Edge edge(tell_target);
  Client client = edge.client();
  client.send(get("/1", "shop.example", "Connection: close\r\n") + get("/2"));
  Response response = client.receive();
  EXPECT_EQ(response.body, "/1");
  EXPECT_EQ(lower(response.fields.get("Connection")), "close");
  EXPECT_EQ(client.receive_all(), "");
  EXPECT_EQ(edge.origin.only_request().target, "/1");
}

TEST(Pipelining, GoodRequestsBeforeABadOneAreServed) {
  Edge edge(tell_target);
  Client client = edge.client();
  client.send(get("/1") + get("/2") + "bad\r\n\r\n" + get("/3"));
  EXPECT_EQ(client.receive().body, "/1");
  EXPECT_EQ(client.receive().body, "/2");
  EXPECT_EQ(client.receive().status, 400);
  EXPECT_EQ(client.receive_all(), "");
}

TEST(KeepAlive, AHundredRequestsUseOneConnectionOnEachSide) {
  Edge edge(tell_target);
  Client client = edge.client();
  for (int i = 0; i < 100; ++i) {
    client.send(get(fmt::format("/{}", i)));
    ASSERT_EQ(client.receive().body, fmt::format("/{}", i));
  }
  EXPECT_EQ(edge.origin.connections(), 1u);
}

TEST(KeepAlive, AnotherClientGetsTheSameOriginConnection) {
  Edge edge(tell_target);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(edge.fetch(get("/", "shop.example", "Connection: close\r\n")).status, 200);
  EXPECT_EQ(edge.origin.connections(), 1u);
}

TEST(KeepAlive, AClientThatHalfClosesStillGetsItsResponse) {
  Edge edge(tell_target);
  Client client = edge.client();
  client.send(get("/x"));
  client.finish();
  EXPECT_EQ(client.receive().body, "/x");
  EXPECT_TRUE(client.closed());
}

TEST(KeepAlive, AnIdleClientIsClosedAfterItsTime) {
  Edge edge(tell_target, {.timeouts = {{"client_idle", "300ms"}}});
  Client client = edge.client();
  client.send(get("/x"));
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(client.end(), End::clean);
}

TEST(KeepAlive, ConnectionCloseOfTheOriginDoesNotCloseTheClient) {
  Edge edge(raw_then_close("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"));
  Client client = edge.client();
  for (int i = 0; i < 5; ++i) {
    client.send(get("/"));
    Response response = client.receive();
    EXPECT_EQ(response.body, "ok") << response;
    EXPECT_NE(lower(response.fields.get("Connection")), "close");
  }
  EXPECT_EQ(edge.origin.connections(), 5u);
}

TEST(KeepAlive, AnOriginConnectionThatClosedWhileIdleIsNotUsed) {
  Edge edge(tell_target);
  Client client = edge.client();
  for (const char* method : {"GET", "POST", "DELETE", "PATCH"}) {
    client.send(fmt::format("{} /a HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\n\r\n", method));
    EXPECT_EQ(client.receive().status, 200);
    edge.origin.close_connections();
    EXPECT_TRUE(wait_until([&] { return edge.origin.open_connections() == 0; }));
    client.send(fmt::format("{} /b HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\n\r\n", method));
    Response response = client.receive();
    EXPECT_EQ(response.body, "/b") << method << response;
  }
}

TEST(KeepAlive, AnIdleOriginConnectionIsClosedAfterItsTime) {
  Edge edge(tell_target, {.timeouts = {{"upstream_idle", "300ms"}}});
  EXPECT_EQ(edge.fetch(get("/")).status, 200);
  EXPECT_TRUE(wait_until([&] { return edge.origin.open_connections() == 0; }));
}

/// Serves the first request of a connection and closes when a second one comes.
Script close_on_second() {
  auto served = std::make_shared<std::atomic<int>>(0);
  return [served](Turn& turn) {
    const Request& request = turn.read_body();
    if (served->fetch_add(1) == 1) return turn.close();
    turn.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", request.target.size(), request.target));
  };
}

TEST(KeepAlive, APostOnAConnectionThatDiesUnderItIsNotSentTwice) {
  Edge edge(close_on_second());
  Client client = edge.client();
  client.send(get("/first"));
  EXPECT_EQ(client.receive().status, 200);
  client.send(post("/order", "one book"));
  Response response = client.receive("POST");
  EXPECT_EQ(response.status, 502) << response;
  size_t orders = 0;
  for (const Request& request : edge.origin.requests()) orders += request.target == "/order" ? 1 : 0;
  EXPECT_EQ(orders, 1u);
}

TEST(KeepAlive, AGetOnAConnectionThatDiesUnderItIsSentAgain) {
  Edge edge(close_on_second());
  Client client = edge.client();
  client.send(get("/first"));
  EXPECT_EQ(client.receive().status, 200);
  client.send(get("/again"));
  EXPECT_EQ(client.receive().body, "/again");
}

TEST(UnaskedResponse, InTheSamePacketReachesNobody) {
  const std::string good = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood",
                    bad = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad";
  Edge edge(raw(good + bad));
  for (int i = 0; i < 5; ++i) {
    Client client = edge.client();
    client.send(get("/"));
    EXPECT_EQ(client.receive().body, "good");
    client.send(get("/"));
    EXPECT_EQ(client.receive().body, "good");
  }
}

TEST(UnaskedResponse, ThatComesLaterReachesNobody) {
  std::atomic<int> unasked{0};
  Edge edge([&unasked](Turn& turn) {
    turn.read_body();
    turn.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
    turn.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad");
    ++unasked;
  });
  Client client = edge.client();
  for (int i = 0; i < 50; ++i) {
    client.send(get("/"));
    ASSERT_EQ(client.receive().body, "good");
    ASSERT_TRUE(wait_until([&] { return unasked > i; }));  // it waits on the idle connection now
  }
}

TEST(UnaskedResponse, MoreBytesThanTheLengthAreNotForwarded) {
  Edge edge(raw("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngoodmore"));
  Client client = edge.client();
  client.send(get("/") + get("/"));
  EXPECT_EQ(client.receive().body, "good");
  EXPECT_EQ(client.receive().body, "good");
  EXPECT_TRUE(client.wire().buffer().empty());
}

TEST(EarlyResponse, BeforeTheBodyIsCompleteEndsTheConnection) {
  Edge edge([](Turn& turn) {
    turn.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    turn.read_all();
    turn.close();
  });
  Client client = edge.client();
  client.send("POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 1000000\r\n\r\nsome");
  Response response = client.receive("POST");
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.body, "no");
  EXPECT_EQ(lower(response.fields.get("Connection")), "close");
}

TEST(EarlyResponse, ReachesAClientThatSendsAllOfALargeBodyFirst) {
  Edge edge([](Turn& turn) {
    turn.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    turn.finish();
    turn.read_all();
    turn.close();
  });
  Client client = edge.client();
  client.send("POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 300000\r\n\r\n" + std::string(300'000, 'x'));
  Response response = client.receive("POST");
  EXPECT_EQ(response.status, 413) << response;
}

}  // namespace
}  // namespace weir::testing
