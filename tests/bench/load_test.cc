// The measure itself is held to account: a response that is wrong or missing ends the generator with an error, whatever
// it is that went wrong.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "tests/e2e/https_edge.h"
#include "tests/support/files.h"
#include "tests/support/origin.h"
#include "tests/support/places.h"
#include "tests/support/program.h"
#include "tests/support/socket.h"

namespace weir::testing {
namespace {

std::string built(const std::string& name) { return build_directory() + "/bench/" + name; }

std::string port_of(const std::string& address) { return address.substr(address.rfind(':') + 1); }

/// A tenth of a second, two connections; `more` behind it.
Finished generate(const std::string& port, std::vector<std::string> more = {}) {
  std::vector<std::string> arguments = {"--port", port, "--connections", "2", "--seconds", "0.1", "--warm-up", "0"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run(built("load_generator"), arguments);
}

/// The origins of the benchmark, without a proxy before them.
class LoadOrigin {
 public:
  explicit LoadOrigin(const std::string& site)
      : port(std::to_string(free_port("127.0.0.1"))), program_(built("load_origin"), {"--serve", port + "=" + site}) {
    EXPECT_TRUE(wait_until([this] { return connect_to("127.0.0.1:" + port).descriptor() >= 0; })) << program_.errors();
  }
  const std::string port;

 private:
  Program program_;
};

void expect_failed(const Finished& finished, const std::string& why) {
  EXPECT_EQ(finished.code, 1) << finished.output << finished.errors;
  EXPECT_NE(finished.output.find(why), std::string::npos) << finished.output;
}

/// weir where the generator looks for it.
ConfigText on_loopback() {
  ConfigText config;
  config.edge = "127.0.0.1:" + std::to_string(free_port("127.0.0.1"));
  return config;
}

const std::string kRight = "old\n" + std::string(252, '.');

TEST(Load, ResponsesThatAreRightAreNoErrors) {
  const LoadOrigin origin("old:unchecked");
  const Finished finished = generate(origin.port);
  EXPECT_EQ(finished.code, 0) << finished.output << finished.errors;
  EXPECT_NE(finished.output.find("\"errors\": 0,"), std::string::npos) << finished.output;
}

TEST(Load, AProxyThatAddsNoForwardedFieldsFails) {
  const LoadOrigin origin("old");
  expect_failed(generate(origin.port), "X-Request-Id is missing");
}

TEST(Load, ABodyOfAnotherLengthFails) {
  Origin origin(ok("old\n"));
  expect_failed(generate(port_of(origin.address())), "Content-Length is not what was asked for");
}

TEST(Load, ABodyThatNamesNoVersionFails) {
  Origin origin(ok(std::string(256, '.')));
  expect_failed(generate(port_of(origin.address())), "the body names no version");
}

TEST(Load, AMissingResponseFails) {
  Origin origin(never());
  expect_failed(generate(port_of(origin.address())), "no answer within three seconds of the end");
}

TEST(Load, AResponseCutShortFails) {
  Origin origin(raw_then_close("HTTP/1.1 200 OK\r\nContent-Length: 256\r\n\r\nold\n"));
  expect_failed(generate(port_of(origin.address())), "closed in the middle of a response");
}

TEST(Load, AUserWhoChangesVersionFails) {
  std::atomic<int> turn = 0;
  Origin origin([&](Turn& each) { ok((turn++ % 2 == 0 ? "old\n" : "new\n") + std::string(252, '.'))(each); });
  expect_failed(generate(port_of(origin.address()), {"--users", "1", "--connections", "1"}), "user-0 changed version");
}

TEST(Load, ARefusalIsAnErrorUnlessItIsAskedForAndWellFormed) {
  const std::string refusal =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nProxy-Status: weir; error=x\r\n";
  Origin origin(raw(refusal + "Retry-After: 1\r\n\r\n"));
  expect_failed(generate(port_of(origin.address())), "status is not 200");
  EXPECT_EQ(generate(port_of(origin.address()), {"--refusals"}).code, 0);
  origin.answer(raw(refusal + "\r\n"));
  expect_failed(generate(port_of(origin.address()), {"--refusals"}), "a refusal without Retry-After");
}

/// An origin that stays on one side whatever is changed: each change to the other has requests on the wrong one.
TEST(Load, RequestsOnTheWrongSideOfAChangeAreTold) {
  Directory directory;
  const std::string file = directory.path() + "/weir.yaml";
  write_file(file + ".old", "old");
  write_file(file + ".new", "new");
  write_file(file, "old");
  Origin origin(ok(kRight));
  const Finished finished = generate(port_of(origin.address()), {"--seconds", "1", "--change", file, "--every", "600"});
  EXPECT_EQ(finished.code, 0) << finished.output << finished.errors;
  EXPECT_EQ(read_file(file), "new");
  EXPECT_NE(finished.output.find("\"changes\": 1, "), std::string::npos) << finished.output;
  EXPECT_EQ(finished.output.find("\"wrong_side\": 0,"), std::string::npos) << finished.output;
}

TEST(Load, ThroughTlsAKeptConnectionShakesHandsOnceAndOthersFully) {
  const HttpsEdge edge({}, on_loopback(), ok(kRight));
  const std::string port = port_of(edge.weir->edge());
  const Finished kept = generate(port, {"--tls"});
  EXPECT_EQ(kept.code, 0) << kept.output << kept.errors;
  EXPECT_EQ(edge.handshakes("full"), 2);
  const Finished anew = generate(port, {"--tls", "--no-keep-alive"});
  EXPECT_EQ(anew.code, 0) << anew.output << anew.errors;
  EXPECT_GT(edge.handshakes("full"), 4);
  EXPECT_EQ(edge.handshakes("resumed"), 0);
}

TEST(Load, ThroughTlsABodyOfManyRecordsIsReadWhole) {
  constexpr size_t kSize = 3 << 20;
  const HttpsEdge edge({}, on_loopback(), ok("old\n" + std::string(kSize - 4, '.')));
  const Finished finished = generate(port_of(edge.weir->edge()), {"--tls", "--body", std::to_string(kSize)});
  EXPECT_EQ(finished.code, 0) << finished.output << finished.errors;
}

TEST(Load, SessionsAreResumedOrItIsAnError) {
  const HttpsEdge edge({}, on_loopback(), ok(kRight));
  const std::vector<std::string> resuming = {"--tls", "--no-keep-alive", "--resume"};
  const Finished finished = generate(port_of(edge.weir->edge()), resuming);
  EXPECT_EQ(finished.code, 0) << finished.output << finished.errors;
  EXPECT_EQ(edge.handshakes("full"), 2);
  EXPECT_GT(edge.handshakes("resumed"), 2);
  const HttpsEdge without({"session_tickets: false"}, on_loopback(), ok(kRight));
  expect_failed(generate(port_of(without.weir->edge()), resuming), "there is no session to resume");
  EXPECT_EQ(generate(port_of(edge.weir->edge()), {"--tls", "--resume"}).code, 2) << "wants --no-keep-alive";
}

TEST(Load, AHandshakeThatFailsIsTold) {
  Origin origin(ok(kRight));
  expect_failed(generate(port_of(origin.address()), {"--tls"}), "TLS says: ");
  const HttpsEdge edge({"groups: [P-384]"}, on_loopback(), ok(kRight));
  expect_failed(generate(port_of(edge.weir->edge()), {"--tls"}), "TLS says: ");
}

}  // namespace
}  // namespace weir::testing
