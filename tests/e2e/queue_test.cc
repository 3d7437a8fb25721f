// Requests that wait for one of max_connections.
#include <atomic>
#include <list>
#include <thread>

#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

/// An origin whose /hold answers when it is let go, behind one place and a queue.
struct Line {
  explicit Line(const std::string& queue, int workers = 1) {
    origin.on("/hold", [this](Turn& turn) {
      turn.read_body();
      wait_until([this] { return let_go.load(); });
      turn.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nheld");
    });
    weir = weir_with({.old_endpoints = {origin.address()},
                      .workers = workers,
                      .old_version = {"max_connections: 1", "queue: " + queue}});
    holding = std::make_unique<Client>(weir->edge());
    holding->send(get("/hold"));
    EXPECT_TRUE(origin.wait_for_requests(1) || wait_until([this] { return !origin.requests().empty(); }));
  }
  Client& joins() {
    Client& client = clients.emplace_back(weir->edge());
    client.send(get("/" + std::to_string(clients.size())));
    const double expected = static_cast<double>(clients.size());
    EXPECT_TRUE(wait_until([&] { return waiting() == expected; })) << waiting();
    return client;
  }
  double waiting() { return weir->metrics().sum("weir_requests_waiting"); }

  std::atomic<bool> let_go{false};
  Origin origin{"origin"};
  std::unique_ptr<Weir> weir;
  std::unique_ptr<Client> holding;
  std::list<Client> clients;
};

TEST(Queue, WhoeverWaitsIsServedInTurnWhenAPlaceIsFree) {
  Line line("{ size: 10, timeout: 1h }", 3);
  for (int i = 0; i < 6; ++i) line.joins();
  line.let_go = true;
  for (Client& client : line.clients) EXPECT_EQ(client.receive().status, 200);
  const auto requests = line.origin.requests();
  ASSERT_EQ(requests.size(), 7u);
  for (size_t i = 1; i < requests.size(); ++i) EXPECT_EQ(requests[i].target, "/" + std::to_string(i));
  EXPECT_EQ(line.waiting(), 0);
}

TEST(Queue, AFullOneAnswersAtOnce) {
  Line line("{ size: 2, timeout: 1h }");
  line.joins();
  line.joins();
  const Response response = fetch(line.weir->edge(), get("/"));
  EXPECT_EQ(response.status, 503);
  EXPECT_TRUE(response.fields.has("Retry-After"));
  EXPECT_EQ(response.fields.get("Proxy-Status"), "weir; error=connection_limit_reached");
  line.let_go = true;
  for (Client& client : line.clients) EXPECT_EQ(client.receive().status, 200);
}

TEST(Queue, WhoWaitsTooLongIsToldAndGone) {
  Line line("{ size: 2, timeout: 300ms }");
  const Response response = line.joins().receive();
  EXPECT_EQ(response.status, 503);
  EXPECT_TRUE(response.fields.has("Retry-After"));
  EXPECT_EQ(line.waiting(), 0);
}

TEST(Queue, WhoLeavesIsPassedOver) {
  Line line("{ size: 10, timeout: 1h }");
  Client& first = line.joins();
  Client& second = line.joins();
  first.reset();
  EXPECT_TRUE(wait_until([&] { return line.waiting() == 1; }));
  line.let_go = true;
  EXPECT_EQ(second.receive().status, 200);
}

TEST(Queue, PlacesThatAReloadBringsAreTakenAtOnce) {
  Line line("{ size: 10, timeout: 1h }", 2);
  line.joins();
  line.joins();
  ConfigText config = line.weir->config();
  config.old_version[0] = "max_connections: 3";
  line.weir->reload(config);
  for (Client& client : line.clients) EXPECT_EQ(client.receive().status, 200);
  EXPECT_TRUE(line.holding->silent_for(Duration(1))) << "nobody gave a place back";
  line.let_go = true;
}

TEST(Queue, NoWakeUpIsLostHoweverManyWorkersGiveAndTake) {
  Origin origin("origin");
  origin.forget();
  auto weir = weir_with({.old_endpoints = {origin.address()},
                         .workers = 4,
                         .old_version = {"max_connections: 2", "queue: { size: 1000, timeout: 3s }"}});
  std::atomic<int> answered{0}, refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 24; ++i) {
    threads.emplace_back([&] {
      Client client(weir->edge());
      for (int j = 0; j < 100; ++j) {
        client.send(get("/"));
        ++(client.receive().status == 200 ? answered : refused);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, 2400);
  EXPECT_EQ(refused, 0);
  EXPECT_LE(origin.open_connections(), 2u + 4u);
  EXPECT_EQ(weir->metrics().sum("weir_requests_waiting"), 0);
}

}  // namespace
}  // namespace weir::testing
