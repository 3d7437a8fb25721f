// The program's beginning and end: signals, draining, exit codes (contract §4).
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <future>

#include "tests/e2e/edge.h"
#include "tests/support/places.h"

namespace weir::testing {
namespace {

/// weir before an origin whose `/hold` answers only after let_go().
class Held {
 public:
  explicit Held(ConfigText config = {}) {
    auto released = release_.get_future().share();
    origin.on("/hold", [released](Turn& turn) {
      turn.read_body();
      released.wait_for(kPatience);
      turn.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nheld");
    });
    config.old_endpoints = {origin.address()};
    weir = weir_with(std::move(config));
  }
  ~Held() { let_go(); }

  /// A client whose request is at the origin.
  Client holding() {
    Client client(weir->edge());
    size_t before = origin.complete_requests();
    client.send(get("/hold"));
    EXPECT_TRUE(origin.wait_for_requests(before + 1));
    return client;
  }
  void let_go() {
    if (!std::exchange(let_go_, true)) release_.set_value();
  }
  void signal(int number) { weir->program().signal(number); }
  std::optional<Exit> end(Duration patience = kPatience) { return weir->program().wait(patience); }

  Origin origin;
  std::unique_ptr<Weir> weir;

 private:
  std::promise<void> release_;
  bool let_go_ = false;
};

TEST(Drain, TermAndIntWithNothingUnderWayExitZeroAtOnce) {
  for (int number : {SIGTERM, SIGINT}) {
    Held held;
    EXPECT_EQ(fetch(held.weir->edge(), get("/")).status, 200);
    held.signal(number);
    auto end = held.end();
    ASSERT_TRUE(end);
    EXPECT_EQ(end->code, 0);
  }
}

TEST(Drain, ARequestUnderWayFinishesAndReadyzSaysNo) {
  Held held;
  Client client = held.holding();
  held.signal(SIGTERM);
  EXPECT_TRUE(wait_until([&] { return held.weir->admin_get("/readyz").status == 503; }));
  EXPECT_EQ(held.weir->admin_get("/healthz").status, 200);
  EXPECT_EQ(held.weir->metrics().sum("weir_draining"), 1);
  held.let_go();
  Response response = client.receive();
  EXPECT_EQ(response.body, "held");
  EXPECT_EQ(lower(response.fields.get("Connection")), "close");
  auto end = held.end();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, 0);
}

TEST(Drain, IdleConnectionsAreClosedCleanly) {
  Held held;
  Client idle(held.weir->edge());
  idle.send(get("/"));
  EXPECT_EQ(idle.receive().status, 200);
  Client client = held.holding();
  held.signal(SIGTERM);
  EXPECT_TRUE(idle.closed());
  EXPECT_EQ(idle.end(), End::clean);
  held.let_go();
  EXPECT_EQ(client.receive().body, "held");
}

TEST(Drain, ASecondTermExitsAtOnce) {
  Held held;
  Client client = held.holding();
  held.signal(SIGTERM);
  EXPECT_TRUE(wait_until([&] { return held.weir->admin_get("/readyz").status == 503; }));
  held.signal(SIGTERM);
  EXPECT_TRUE(held.end());
}

TEST(Drain, LastsNoLongerThanItsTime) {
  Held held({.timeouts = {{"drain", "500ms"}}});
  Client client = held.holding();
  held.signal(SIGTERM);
  auto end = held.end();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, 0);
}

TEST(Drain, DuringItsGraceListenersStillAcceptWhileReadinessSaysNo) {
  Held held({.timeouts = {{"drain_grace", "1h"}}, .listener = {"ready_path: /-/ready"}});
  Client idle(held.weir->edge());
  idle.send(get("/"));
  EXPECT_EQ(idle.receive().status, 200);
  held.signal(SIGTERM);
  EXPECT_TRUE(wait_until([&] { return held.weir->admin_get("/readyz").status == 503; }));
  EXPECT_TRUE(idle.closed());
  EXPECT_EQ(idle.end(), End::clean);
  for (int i = 0; i < 3; ++i) {
    Response response = fetch(held.weir->edge(), get("/"));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(lower(response.fields.get("Connection")), "close");
  }
  EXPECT_EQ(fetch(held.weir->edge(), get("/-/ready")).status, 503);
  EXPECT_TRUE(held.weir->program().running());
  held.signal(SIGTERM);
  EXPECT_TRUE(held.end()) << "a second TERM ends at once";
}

TEST(Drain, AfterItsGraceNobodyIsAcceptedAndWeirEnds) {
  Held held({.timeouts = {{"drain_grace", "300ms"}}});
  Client client = held.holding();
  held.signal(SIGTERM);
  EXPECT_TRUE(wait_until([&] { return !connect_to(held.weir->edge()); }));
  EXPECT_TRUE(held.weir->program().running()) << "a request is under way";
  held.let_go();
  EXPECT_EQ(client.receive().body, "held");
  auto end = held.end();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, 0);
}

TEST(Drain, BeginsInTheSameWayWhenTheAdminIsAsked) {
  Held held;
  Client client = held.holding();
  Response asked =
      fetch(held.weir->admin(),
            "POST /-/drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "POST");
  EXPECT_EQ(asked.status, 202);
  EXPECT_TRUE(wait_until([&] { return held.weir->admin_get("/readyz").status == 503; }));
  EXPECT_TRUE(wait_until([&] { return !connect_to(held.weir->edge()); }));
  held.let_go();
  EXPECT_EQ(lower(client.receive().fields.get("Connection")), "close");
  auto end = held.end();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, 0);
}

TEST(Drain, ATunnelLivesOnUntilTheDrainsTimeIsOver) {
  Held held({.timeouts = {{"drain", "1500ms"}}});
  held.origin.on("/ws", [](Turn& turn) {
    turn.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    for (std::string bytes; !(bytes = turn.read_bytes(2)).empty();) turn.send(bytes);
    turn.close();
  });
  Client client(held.weir->edge());
  client.send(get("/ws", "shop.example", "Connection: Upgrade\r\nUpgrade: x\r\n"));
  EXPECT_EQ(client.receive_head().status, 101);
  held.signal(SIGTERM);
  EXPECT_TRUE(wait_until([&] { return held.weir->admin_get("/readyz").status == 503; }));
  client.send("hi");
  EXPECT_EQ(client.receive_bytes(2), "hi");
  EXPECT_TRUE(held.weir->program().running());
  auto end = held.end();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, 0);
}

TEST(Drain, ReloadsAreRefusedMeanwhile) {
  Held held;
  Client client = held.holding();
  const std::string hash = held.weir->config_hash();
  held.signal(SIGTERM);
  EXPECT_TRUE(wait_until([&] { return held.weir->admin_get("/readyz").status == 503; }));
  ConfigText changed = held.weir->config();
  changed.service.push_back("reveal: all");
  write_file(held.weir->file(), changed.text());
  held.signal(SIGHUP);
  Response response =
      fetch(held.weir->admin(),
            "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "POST");
  EXPECT_EQ(response.status / 100, 4) << response;
  EXPECT_NE(response.body.find("draining"), std::string::npos) << response.body;
  EXPECT_TRUE(held.weir->program().wait_for_text("not reloaded while draining"));
  EXPECT_EQ(held.weir->config_hash(), hash);
  held.let_go();
  EXPECT_EQ(client.receive().body, "held");
}

/// Connects and asks until an answer comes.
bool served_soon(const std::string& edge) {
  return wait_until([&] { return connect_to(edge) && fetch(edge, get("/")).status == 200; });
}

TEST(Start, AfterAKillWeirServesAgainWithin200MillisecondsOfItsRestart) {
  Held held({.workers = 2});
  const std::string edge = held.weir->edge(), file = held.weir->file();
  std::vector<Client> idle;
  for (int i = 0; i < 100; ++i) idle.emplace_back(edge).send(get("/"));  // what a crash leaves half-open
  held.signal(SIGKILL);
  ASSERT_TRUE(held.end());
  std::vector<Duration> took;
  for (int i = 0; i < 5; ++i) {
    const auto restarted = Clock::now();
    Program again(weir_program(), {"run", "-c", file});
    ASSERT_TRUE(served_soon(edge));
    took.push_back(std::chrono::duration_cast<Duration>(Clock::now() - restarted));
    again.signal(SIGKILL);
    ASSERT_TRUE(again.wait());
  }
  // 200 ms where it has a core to itself; the bound is what only waiting for something would take.
  RecordProperty("milliseconds", static_cast<int>(middle(took).count()));
  EXPECT_LT(middle(took), Duration(1000) * times_of_sanitizer());
}

TEST(Ready, OnTheTrafficPortIsAnsweredByWeirAndCountedNowhere) {
  Held held({.listener = {"ready_path: /-/ready"}});
  EXPECT_EQ(fetch(held.weir->edge(), get("/-/ready")).status, 200);
  EXPECT_EQ(held.origin.complete_requests(), 0u);
  EXPECT_EQ(held.weir->metrics().sum("weir_requests_total"), 0);
  EXPECT_EQ(held.weir->metrics().sum("weir_rejected_requests_total"), 0);
  EXPECT_EQ(fetch(held.weir->edge(), get("/-/readyz")).body, "origin");
}

TEST(Ready, OnTheTrafficPortSaysNoWhileDraining) {
  Held held({.listener = {"ready_path: /-/ready"}});
  Client prober(held.weir->edge());
  Client client = held.holding();
  held.signal(SIGTERM);
  EXPECT_TRUE(wait_until([&] { return held.weir->admin_get("/readyz").status == 503; }));
  if (prober.send(get("/-/ready"))) {
    int status = prober.receive().status;
    EXPECT_TRUE(status == 503 || status == 0) << status;
  }
}

TEST(Start, ASecondWeirOnTheSameAddressFailsWithASentence) {
  Held held;
  ConfigText config = held.weir->config();
  config.admin = fmt::format("{}:{}", own_loopback(), free_port(own_loopback()));
  Directory directory;
  write_file(directory / "weir.yaml", config.text());
  Finished second = run(weir_program(), {"run", "-c", directory / "weir.yaml"});
  EXPECT_EQ(second.code, 1) << second.errors;
  EXPECT_NE(second.errors.find(config.edge), std::string::npos) << second.errors;
  EXPECT_EQ(fetch(held.weir->edge(), get("/")).status, 200);
}

TEST(Start, AWrongConfigurationExitsThreeWithEveryProblem) {
  Directory directory;
  write_file(directory / "weir.yaml", "listenrs: []\nservices: 3\n");
  Finished done = run(weir_program(), {"run", "-c", directory / "weir.yaml"});
  EXPECT_EQ(done.code, 3);
  EXPECT_NE(done.errors.find("weir.yaml:1:1"), std::string::npos) << done.errors;
  EXPECT_NE(done.errors.find("weir.yaml:2:"), std::string::npos) << done.errors;
}

TEST(Start, AMissingFileExitsThree) { EXPECT_EQ(run(weir_program(), {"run", "-c", "/nowhere/weir.yaml"}).code, 3); }

}  // namespace
}  // namespace weir::testing
