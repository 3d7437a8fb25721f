// weir's numbers against what a client counted itself (contract §6): exactly.
#include <fmt/format.h>

#include <future>
#include <thread>

#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kRequests = 10'000;
#else
constexpr int kRequests = 100'000;
#endif
constexpr int kClients = 8;

/// What a client saw, by version (told by X-Origin; weir's own answers by the cohort's version) and class.
struct Tally {
  std::map<std::string, std::map<std::string, double>> requests;
  std::map<std::string, double> bytes;
  double dropped = 0;
  void add(const Tally& other) {
    for (const auto& [version, classes] : other.requests)
      for (const auto& [name, count] : classes) requests[version][name] += count;
    for (const auto& [version, count] : other.bytes) bytes[version] += count;
    dropped += other.dropped;
  }
};

std::string class_of(int status) { return fmt::format("{}xx", status / 100); }

/// The versions of a rollout whose origins answer /404, /500 and /204, and close without an answer for /drop.
class Counted {
 public:
  explicit Counted(ConfigText config = {}) : old_origin("old"), new_origin("new") {
    for (Origin* origin : {&old_origin, &new_origin}) {
      origin->forget();
      origin->on("/404", raw("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone"));
      origin->on("/500", raw("HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops"));
      origin->on("/204", raw("HTTP/1.1 204 No Content\r\n\r\n"));
      origin->on("/drop", raw_then_close(""));
      origin->on("/cut", raw_then_reset("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut"));
    }
    config.old_endpoints = {old_origin.address()};
    config.new_endpoints = {new_origin.address()};
    config.rules.push_back(R"({ name: staff, when: { header: { X-Staff: "1" } }, send: new })");
    weir = weir_with(std::move(config));
  }

  double total() { return weir->metrics().sum("weir_requests_total"); }

  Origin old_origin, new_origin;
  std::unique_ptr<Weir> weir;
};

/// One client's share of the crowd: the version is forced by a rule or left to the split at 0%, so it is known.
Tally crowd(const std::string& edge, int requests, int seed) {
  Tally tally;
  auto client = std::make_unique<Client>(edge);
  client->wire().forget();
  const std::vector<std::string> targets{"/", "/", "/", "/404", "/500", "/204"};
  for (int i = 0; i < requests; ++i) {
    bool candidate = (i + seed) % 3 == 0, drop = i % 1000 == 7;
    const char* staff = candidate ? "X-Staff: 1\r\n" : "";
    client->send(drop ? post("/drop", "x", staff) : get(targets[(i + seed) % targets.size()], "shop.example", staff));
    Response response = client->receive();
    if (response.status == 0) {
      ADD_FAILURE() << "request " << i << response;
      break;
    }
    std::string version = candidate ? "new" : "old";
    ++tally.requests[version][class_of(response.status)];
    if (drop) ++tally.dropped;
    if (!drop) tally.bytes[version] += static_cast<double>(response.body.size());
    if (lower(response.fields.get("Connection")) == "close") client = std::make_unique<Client>(edge);
  }
  return tally;
}

TEST(Numbers, AreExactlyWhatTheClientsCountedAfterAHundredThousandRequests) {
  Counted counted({.workers = 2});
  Tally tally;
  std::vector<std::future<Tally>> clients;
  for (int c = 0; c < kClients; ++c)
    clients.push_back(std::async(std::launch::async, crowd, counted.weir->edge(), kRequests / kClients, c));
  for (auto& client : clients) tally.add(client.get());

  Metrics metrics = counted.weir->metrics();
  EXPECT_EQ(metrics.sum("weir_requests_total"), kRequests);
  for (const char* version : {"old", "new"}) {
    for (const char* name : {"1xx", "2xx", "3xx", "4xx", "5xx", "none"})
      EXPECT_EQ(metrics.sum("weir_requests_total", {{"version", version}, {"code_class", name}}),
                tally.requests[version][name])
          << version << " " << name;
    const Labels labels{{"service", "shop"}, {"version", version}};
    double all = 0;
    for (const auto& [name, count] : tally.requests[version]) all += count;
    EXPECT_EQ(metrics.sum("weir_request_duration_seconds_count", labels), all);
    EXPECT_EQ(metrics.sum("weir_requests_in_flight", labels), 0);
    EXPECT_GE(metrics.sum("weir_response_body_bytes_total", labels), tally.bytes[version]);
  }
  ASSERT_GT(tally.dropped, 0);
  EXPECT_EQ(metrics.sum("weir_errors_total", {{"error", "connection_terminated"}}), tally.dropped);
  EXPECT_EQ(metrics.sum("weir_request_body_bytes_total"), tally.dropped);
  EXPECT_EQ(metrics.sum("weir_upstream_duration_seconds_count"), kRequests - tally.dropped);
  EXPECT_EQ(metrics.sum("weir_rule_hits_total", {{"rule", "staff"}}),
            metrics.sum("weir_requests_total", {{"decided_by", "rule"}}));
  EXPECT_EQ(metrics.sum("weir_upstream_connects_total", {{"result", "ok"}}),
            static_cast<double>(counted.old_origin.connections() + counted.new_origin.connections()));
}

TEST(Numbers, ARequestIsCountedBeforeItsAnswerEnds) {
  Counted counted({.workers = 2});
  Client client(counted.weir->edge());
  for (int i = 1; i <= 200; ++i) {
    client.send(get("/"));
    ASSERT_EQ(client.receive().status, 200);
    ASSERT_EQ(counted.total(), i);
  }
}

TEST(Numbers, AClientThatLeftBeforeTheHeadIsNone) {
  Counted counted;
  counted.old_origin.on("/never", never());
  for (int i = 0; i < 20; ++i) {
    Client client(counted.weir->edge());
    client.send(get("/never"));
    ASSERT_TRUE(counted.old_origin.wait_for_requests(static_cast<size_t>(i + 1)));
    client.reset();
  }
  auto none = [&] { return counted.weir->metrics().sum("weir_requests_total", {{"code_class", "none"}}); };
  EXPECT_TRUE(wait_until([&] { return none() == 20; })) << none();
  EXPECT_EQ(counted.total(), 20);
  EXPECT_EQ(counted.weir->metrics().sum("weir_requests_in_flight"), 0);
}

TEST(Numbers, AnAnswerCutShortCountsUnderTheStatusSentAndAsAnError) {
  Counted counted;
  for (int i = 0; i < 20; ++i) {
    Response response = fetch(counted.weir->edge(), get("/cut"));
    EXPECT_FALSE(response.complete);
  }
  Metrics metrics = counted.weir->metrics();
  EXPECT_EQ(metrics.sum("weir_requests_total", {{"version", "old"}}), 20);
  EXPECT_EQ(metrics.sum("weir_errors_total", {{"version", "old"}}), 20);
}

TEST(Numbers, A101CountsWhenSentAndEntersNoDuration) {
  Counted counted;
  counted.old_origin.on("/ws", [](Turn& turn) {
    turn.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    turn.read_all();
    turn.close();
  });
  Client client(counted.weir->edge());
  client.send(get("/ws", "shop.example", "Connection: Upgrade\r\nUpgrade: x\r\n"));
  ASSERT_EQ(client.receive_head().status, 101);
  EXPECT_EQ(counted.weir->metrics().sum("weir_requests_total", {{"code_class", "1xx"}}), 1);
  client.close();
  EXPECT_TRUE(wait_until([&] { return counted.old_origin.open_connections() == 0; }));
  EXPECT_EQ(counted.weir->metrics().sum("weir_request_duration_seconds_count"), 0);
  EXPECT_EQ(counted.total(), 1);
}

TEST(Numbers, WhatReachesNoServiceIsRejectedByListenerAndCode) {
  Counted counted({.service = {"match: [{ host: shop.example }]"}});
  fetch(counted.weir->edge(), get("/", "other.example"));
  fetch(counted.weir->edge(), "bad\r\n\r\n");
  fetch(counted.weir->edge(), "TRACE / HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  Metrics metrics = counted.weir->metrics();
  for (const char* code : {"404", "400", "405"})
    EXPECT_EQ(metrics.sum("weir_rejected_requests_total", {{"listener", "edge"}, {"code", code}}), 1) << code;
  EXPECT_EQ(metrics.sum("weir_requests_total"), 0);
}

TEST(Numbers, ConnectionsAreCountedWhileTheyAreOpen) {
  Counted counted({.workers = 2});
  std::vector<Client> clients;
  for (int i = 0; i < 10; ++i) {
    clients.emplace_back(counted.weir->edge());
    clients.back().send(get("/"));
    ASSERT_EQ(clients.back().receive().status, 200);
  }
  auto open = [&] { return counted.weir->metrics().sum("weir_connections", {{"listener", "edge"}}); };
  EXPECT_EQ(open(), 10);
  EXPECT_EQ(counted.weir->metrics().sum("weir_connections_total", {{"listener", "edge"}}), 10);
  Metrics metrics = counted.weir->metrics();
  EXPECT_EQ(metrics.sum("weir_upstream_connections", {{"version", "old"}}),
            static_cast<double>(counted.old_origin.open_connections()));
  clients.clear();
  EXPECT_TRUE(wait_until([&] { return open() == 0; }));
  EXPECT_EQ(counted.weir->metrics().sum("weir_connections_total", {{"listener", "edge"}}), 10);
}

TEST(Numbers, ATrySentAgainIsOneRequestAndOneErrorATry) {
  Counted counted;
  counted.old_origin.stop();
  Response response = fetch(counted.weir->edge(), get("/"));
  Metrics metrics = counted.weir->metrics();
  EXPECT_EQ(response.status, 502);
  EXPECT_EQ(metrics.sum("weir_requests_total", {{"version", "old"}, {"code_class", "5xx"}}), 1);
  EXPECT_EQ(metrics.sum("weir_errors_total", {{"error", "connection_refused"}}), 2);
  EXPECT_EQ(metrics.sum("weir_upstream_retries_total"), 1);
}

TEST(Numbers, ThePageIsCleanForPromtoolAndHasEveryName) {
  Counted counted({.share = "10%"});
  fetch(counted.weir->edge(), get("/"));
  Response page = counted.weir->admin_get("/metrics");
  EXPECT_TRUE(page.fields.get("Content-Type").starts_with("text/plain; version=0.0.4"));
  Finished checked = run("/usr/bin/promtool", {"check", "metrics"}, {.input = page.body});
  EXPECT_EQ(checked.code, 0) << checked.errors << checked.output;
  EXPECT_EQ(checked.errors + checked.output, "");
  Metrics metrics = parse_metrics(page.body);
  for (const char* name : {"weir_requests_total",
                           "weir_request_duration_seconds",
                           "weir_upstream_duration_seconds",
                           "weir_requests_in_flight",
                           "weir_split_ratio",
                           "weir_request_body_bytes_total",
                           "weir_response_body_bytes_total",
                           "weir_rule_hits_total",
                           "weir_split_revision",
                           "weir_endpoint_up",
                           "weir_upstream_connections",
                           "weir_upstream_connects_total",
                           "weir_connections",
                           "weir_connections_total",
                           "weir_config_last_reload_successful",
                           "weir_config_info",
                           "weir_access_log_dropped_total",
                           "weir_draining",
                           "weir_build_info",
                           "process_cpu_seconds_total",
                           "process_resident_memory_bytes",
                           "process_open_fds"})
    EXPECT_TRUE(metrics.types.contains(name)) << name;
}

}  // namespace
}  // namespace weir::testing
