// The harness itself, without a proxy between: what the other tests of this room rely on.
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "tests/e2e/edge.h"
#include "tests/support/client.h"
#include "tests/support/origin.h"
#include "tests/support/peer.h"
#include "tests/support/tls_addresses.h"

namespace weir::testing {
namespace {

TEST(Harness, AnOriginRecordsExactlyOneRequest) {
  Origin origin("old");
  Client client(origin.address());
  client.send(post("/a?b", "hello"));
  EXPECT_EQ(client.receive("POST").body, "old");
  Request request = origin.only_request();
  EXPECT_EQ(request.target, "/a?b");
  EXPECT_EQ(request.body, "hello");
}

TEST(Harness, AnOriginNamesWhatIsNotWellFormed) {
  Origin origin;
  for (std::string_view bytes :
       {"GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\n\r\n", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5 x\r\n"}) {
    SCOPED_TRACE(bytes);
    Client client(origin.address());
    client.send(bytes);
    EXPECT_TRUE(client.closed());
    EXPECT_NE(origin.visits().back().fault, "");
  }
  EXPECT_EQ(origin.complete_requests(), 0u);
}

TEST(Harness, AClientTellsACleanEndFromAReset) {
  Origin origin(raw_then_close("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"));
  origin.on("/reset", raw_then_reset("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"));
  origin.on("/open", ok("whole"));
  Response cut = fetch(origin.address(), get("/"));
  EXPECT_EQ(cut.status, 200);
  EXPECT_FALSE(cut.complete);
  EXPECT_EQ(cut.end, End::clean);
  EXPECT_EQ(fetch(origin.address(), get("/reset")).end, End::reset);
  EXPECT_EQ(fetch(origin.address(), get("/open")).end, End::none);
}

TEST(Harness, AClientReadsChunksTrailersAndInterimHeads) {
  Origin origin(
      raw("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
          chunks("hello world", 4, "X-Sum: 1\r\n")));
  Client client(origin.address());
  client.send_byte_by_byte(get("/"));
  Response response = client.receive();
  EXPECT_EQ(response.body, "hello world");
  EXPECT_EQ(response.trailers.get("x-sum"), "1");
  ASSERT_EQ(response.interim.size(), 1u);
  EXPECT_EQ(response.interim[0].fields.get("Link"), "</a>");
}

TEST(Harness, AnOriginComesBackOnItsAddress) {
  Origin origin;
  std::string address = origin.address();
  origin.stop();
  EXPECT_FALSE(connect_to(address));
  origin.start();
  EXPECT_EQ(fetch(address, get("/")).status, 200);
}

TEST(Harness, AProgramIsFollowedToItsEnd) {
  Finished done = run("/bin/sh", {"-c", "cat; echo oops >&2; exit 3"}, {.input = "hello"});
  EXPECT_EQ(done.code, 3);
  EXPECT_EQ(done.output, "hello");
  EXPECT_EQ(done.errors, "oops\n");
}

TEST(Harness, ATestWhoseProgramCrashedOrHasASanitizersReportFails) {
  EXPECT_NONFATAL_FAILURE(run("/bin/sh", {"-c", "kill -SEGV $$"}), "it crashed, by signal 11");
  EXPECT_NONFATAL_FAILURE(run("/bin/sh", {"-c", "echo 'WARNING: ThreadSanitizer: data race' >&2"}), "data race");
  EXPECT_NONFATAL_FAILURE(run("/bin/sh", {"-c", "echo 'a.cc:1:2: runtime error: overflow' >&2"}), "overflow");
}

TEST(Harness, AnAdminWithoutTlsIsAskedInPlainTextThoughItsAddressWasChosenForAnother) {
  Origin origin;
  ConfigText config;
  config.old_endpoints = {origin.address()};
  config.admin = chosen_tls_address({});
  EXPECT_EQ(weir_with(std::move(config))->admin_get("/readyz").status, 200);
}

TEST(Harness, APageOfMetricsIsParsed) {
  Metrics metrics = parse_metrics("# TYPE a counter\na{x=\"1\",y=\"a \\\"b\\\"\"} 3\na{x=\"2\"} 4\nb 1e3\n");
  EXPECT_EQ(metrics.sum("a"), 7);
  EXPECT_EQ(metrics.sum("a", {{"x", "1"}}), 3);
  EXPECT_EQ(metrics.sum("a", {{"y", "a \"b\""}}), 3);
  EXPECT_EQ(metrics.sum("b"), 1000);
  EXPECT_EQ(metrics.types["a"], "counter");
}

TEST(Harness, APeerServesTheSameConfiguration) {
  for (const PeerKind& kind : {nginx(), haproxy()}) {
    Origin origin("old");
    Peer peer(kind, ConfigText{.old_endpoints = {origin.address()}});
    EXPECT_EQ(fetch(peer.edge(), get("/x")).body, "old") << kind.name;
    EXPECT_EQ(origin.only_request().target, "/x") << kind.name;
  }
}

}  // namespace
}  // namespace weir::testing
