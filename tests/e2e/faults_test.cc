// Every fault on the way has its status, its Proxy-Status, its counter and its line in the log, and no connection
// is used again after doubt. And what happens where the machine ends: descriptors, disks.
#include <fmt/format.h>

#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

struct Fault {
  const char* name;
  Script script;
  int status;         // that the client gets; 200: cut short
  const char* error;  // RFC 9209's token
  bool post = false;  // so that nothing is tried again
};

void PrintTo(const Fault& one, std::ostream* out) { *out << one.name; }
std::string name_of(const ::testing::TestParamInfo<Fault>& info) { return info.param.name; }

/// Sends `bytes` and then says nothing more, with the connection open.
Script then_silent(std::string bytes) {
  return [bytes = std::move(bytes)](Turn& turn) {
    if (!turn.read_body().complete) return turn.close();
    turn.send(bytes);
    turn.read_all();
    turn.close();
  };
}

/// The same bytes for ever.
Script endless(std::string head, std::string line) {
  return [head = std::move(head), line = std::move(line)](Turn& turn) {
    turn.read_body();
    turn.send(head);
    for (int i = 0; i < 100'000 && turn.send(line); ++i) {
    }
    turn.close();
  };
}

class OnTheWay : public ::testing::TestWithParam<Fault> {};

TEST_P(OnTheWay, IsToldFourTimesAndLeavesNoConnection) {
  const Fault& fault = GetParam();
  Origin origin(fault.script);
  origin.on("/good", ok("good"));
  ConfigText config{.timeouts = {{"response_head", "400ms"}, {"response_body", "400ms"}},
                    .top = {"access_log: { path: \"-\" }"}};
  config.old_endpoints = {origin.address()};
  auto weir = weir_with(config);
  Response response = fetch(weir->edge(), post("/fault", "x"), "POST");
  if (fault.status == 200) {
    // The reset that breaks the connection may overtake a head that the client has not read yet.
    EXPECT_TRUE(response.status == 200 || (response.status == 0 && response.end == End::reset)) << response;
    EXPECT_FALSE(response.complete) << response;
  } else {
    EXPECT_EQ(response.status, fault.status) << response;
    EXPECT_EQ(response.fields.get("Proxy-Status"), fmt::format("weir; error={}", fault.error));
    EXPECT_TRUE(response.complete) << response;
  }
  EXPECT_TRUE(wait_until([&] { return origin.open_connections() == 0; })) << "kept after doubt";
  EXPECT_EQ(weir->metrics().sum("weir_errors_total", {{"error", fault.error}}), 1);
  EXPECT_EQ(weir->metrics().sum("weir_requests_total", {{"code_class", fmt::format("{}xx", fault.status / 100)}}), 1);
  EXPECT_TRUE(weir->program().wait_for_text(fmt::format("\"error\":\"{}\"", fault.error))) << weir->program().output();
  EXPECT_EQ(fetch(weir->edge(), get("/good")).body, "good");
}

const std::string kHead = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello";

INSTANTIATE_TEST_SUITE_P(
    Upstream, OnTheWay,
    ::testing::Values(
        Fault{"ClosesWithoutAnAnswer", raw_then_close(""), 502, "connection_terminated"},
        Fault{"ResetsWithoutAnAnswer", raw_then_reset(""), 502, "connection_terminated"},
        Fault{"NeverAnswers", never(), 504, "http_response_timeout"},
        Fault{"ClosesInsideTheHead", raw_then_close("HTTP/1.1 200 OK\r\nContent-"), 502, "http_response_incomplete"},
        Fault{"ResetsInsideTheHead", raw_then_reset("HTTP/1.1 200 OK\r\nContent-"), 502, "http_response_incomplete"},
        Fault{"StopsInsideTheHead", then_silent("HTTP/1.1 200 OK\r\nContent-"), 504, "http_response_timeout"},
        Fault{"SendsRubbish", then_silent("\x16\x03\x01 rubbish\r\n\r\n"), 502, "http_protocol_error"},
        Fault{"SendsAHeadThatIsTooLarge", endless("HTTP/1.1 200 OK\r\n", "X-A: " + std::string(1000, 'a') + "\r\n"),
              502, "http_response_header_section_size"},
        Fault{"SendsInterimHeadsWithoutEnd", endless("", "HTTP/1.1 103 Early Hints\r\nX-A: 1\r\n\r\n"), 502,
              "http_protocol_error"},
        Fault{"SendsTwoLengths", then_silent("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
              502, "http_protocol_error"},
        Fault{"SwitchesUnasked",
              then_silent("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), 502,
              "http_upgrade_failed"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    UpstreamInTheBody, OnTheWay,
    ::testing::Values(Fault{"ClosesShortOfItsLength", raw_then_close(kHead), 200, "http_response_incomplete"},
                      Fault{"ResetsShortOfItsLength", raw_then_reset(kHead), 200, "http_response_incomplete"},
                      Fault{"StopsShortOfItsLength", then_silent(kHead), 200, "http_response_timeout"},
                      Fault{"ClosesInsideAChunk",
                            raw_then_close("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n32\r\nhello"), 200,
                            "http_response_incomplete"},
                      Fault{"SendsABadChunk",
                            then_silent("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n"),
                            200, "http_protocol_error"}),
    name_of);

TEST(OnTheWayThere, ARefusedConnectIsToldFourTimes) {
  Origin origin;
  ConfigText config{.top = {"access_log: { path: \"-\" }"}};
  config.old_endpoints = {origin.address()};
  auto weir = weir_with(config);
  origin.stop();
  Response response = fetch(weir->edge(), get("/"));
  EXPECT_EQ(response.status, 502);
  EXPECT_EQ(response.fields.get("Proxy-Status"), "weir; error=connection_refused");
  EXPECT_GE(weir->metrics().sum("weir_errors_total", {{"error", "connection_refused"}}), 1);
  EXPECT_TRUE(weir->program().wait_for_text("\"error\":\"connection_refused\""));
}

TEST(Machine, WithoutDescriptorsWeirServesWhomItHasTellsItAndComesBack) {
  Origin origin;
  ConfigText config{.old_version = {}};
  config.old_endpoints = {origin.address()};
  ProgramOptions few;
  few.descriptors = 48;
  Weir weir(weir_program(), config, few);
  Client served(weir.edge());
  served.send(get("/"));
  ASSERT_EQ(served.receive().status, 200);  // holds a connection on each side
  std::vector<Client> crowd;
  for (int i = 0; i < 100; ++i) crowd.emplace_back(weir.edge());
  EXPECT_TRUE(weir.program().wait_for_text("no descriptor was left", kPatience * 3));
  served.send(get("/"));
  const Response response = served.receive();
  EXPECT_TRUE(response.status == 200 || response.status == 503) << response;  // 503: its endpoint's connection had gone
  crowd.clear();
  EXPECT_TRUE(wait_until([&] { return fetch(weir.edge(), get("/")).status == 200; }));
  EXPECT_GE(weir.metrics().sum("weir_connections_rejected_total", {{"reason", "descriptors"}}), 1);
  EXPECT_EQ(weir.metrics().sum("weir_errors_total"), 0) << "the endpoint is not to blame";
}

TEST(Machine, AnAccessLogOnAFullDiskLosesLinesAndNoRequest) {
  Origin origin;
  ConfigText config{.top = {"access_log: { path: /dev/full }"}};
  config.old_endpoints = {origin.address()};
  auto weir = weir_with(config);
  Client client(weir->edge());
  for (int i = 0; i < 200; ++i) {
    client.send(get("/"));
    ASSERT_EQ(client.receive().status, 200);
  }
  EXPECT_TRUE(weir->program().wait_for_text("access log could not take", kPatience * 3));
  EXPECT_TRUE(wait_until([&] { return weir->metrics().sum("weir_access_log_dropped_total") == 200; }));
}

TEST(Flood, OfConnectionsPipelinesAndTinyChunksHindersNobodyForASecond) {
  Edge edge;
  edge.origin.forget();
  std::string pipeline, tiny = "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 500; ++i) pipeline += get("/pipelined");
  for (int i = 0; i < 20'000; ++i) tiny += "1;a=b\r\nx\r\n";  // and no end; its extensions are too many
  size_t before = edge.proxy->program().resident_bytes();
  std::vector<Client> crowd;
  std::vector<Clock::duration> took;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 20; ++i) {
      crowd.push_back(edge.client({.from = {}, .receive_buffer = 4096}));
      Wire& wire = crowd.back().wire();
      wire.send(i % 2 == 0 ? pipeline : tiny, within(Duration(20)));  // and never reads
    }
    const auto began = Clock::now();
    ASSERT_EQ(edge.fetch(get("/")).status, 200);
    took.push_back(Clock::now() - began);
  }
  EXPECT_LT(middle(took), std::chrono::seconds(1));
  // Per connection a head or a piece of 64 KiB each way, as the README says.
  const size_t bound = crowd.size() * 192 * 1024 + (size_t{8} << 20);
  EXPECT_LT(edge.proxy->program().resident_bytes(), before + bound * times_of_sanitizer());
}

}  // namespace
}  // namespace weir::testing
