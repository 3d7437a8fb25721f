// What a connection may hold at most, at its worst on both sides (README, "Memory").
#include <fmt/format.h>

#include <iostream>

#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

constexpr size_t kConnections = 100;
constexpr size_t kBound = 640 * 1024;            // each
constexpr size_t kOnce = size_t{8} << 20;        // whatever the connections are
constexpr size_t kAlmostAHead = 63 * 1024;       // below limits.request_head and limits.response_head
constexpr size_t kMoreThanIsTaken = 200 * 1024;  // of a body

/// Lines of about `size` bytes.
std::string lines_of(size_t size) {
  std::string lines;
  for (int i = 0; lines.size() < size; ++i) lines += fmt::format("X-Filler-{}: {}\r\n", i, std::string(1000, 'f'));
  return lines;
}

/// Grown by so much, printed for whoever changes it.
void expect_bounded(Edge& edge, size_t before, const char* what) {
  size_t grown = 0;
  const auto holds_the_heads = [&] {
    const size_t now = edge.proxy->program().resident_bytes();
    grown = now - std::min(before, now);
    return grown > kConnections * kAlmostAHead;
  };
  EXPECT_TRUE(wait_until(holds_the_heads)) << what;
  std::cout << fmt::format("{} connections, {}: {} KiB each\n", kConnections, what, grown / kConnections / 1024);
  EXPECT_LT(grown, (kConnections * kBound + kOnce) * times_of_sanitizer()) << what;
  EXPECT_EQ(edge.fetch(get("/", "shop.example", "Connection: close\r\n")).status, 200) << what;
}

TEST(Memory, OfHeadsThatNeverEndIsBounded) {
  Edge edge;
  edge.fetch(get("/"));
  const size_t before = edge.proxy->program().resident_bytes();
  std::vector<Client> crowd;
  const std::string head = "GET / HTTP/1.1\r\nHost: shop.example\r\n" + lines_of(kAlmostAHead);
  for (size_t i = 0; i < kConnections; ++i) crowd.push_back(edge.client());
  for (Client& client : crowd) ASSERT_TRUE(client.send(head));
  expect_bounded(edge, before, "a head each that never ends");
}

/// The origin answers at once with a large head and more body than anybody takes, and reads nothing of the request's.
TEST(Memory, OfThoseWhoNeitherReadNorAreReadIsBounded) {
  std::atomic<bool> over{false};
  std::atomic<size_t> answers{0};
  Edge edge;
  edge.origin.forget();
  edge.origin.on("/stuck", [&](Turn& turn) {
    turn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + lines_of(kAlmostAHead) + "\r\n");
    const std::string body(kMoreThanIsTaken, 'r');
    turn.send(chunks(body, 10'000).substr(0, body.size()));
    ++answers;
    wait_until([&] { return over.load(); }, 2 * kPatience);
    turn.close();
  });
  edge.fetch(get("/"));
  const size_t before = edge.proxy->program().resident_bytes();
  std::vector<Client> crowd;
  const std::string body(kMoreThanIsTaken, 'b');
  const std::string request = "POST /stuck HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n" +
                              lines_of(kAlmostAHead) + "\r\n" + chunks(body, 10'000).substr(0, body.size());
  for (size_t i = 0; i < kConnections; ++i) crowd.push_back(edge.client({.from = {}, .receive_buffer = 4096}));
  for (Client& client : crowd) client.wire().send(request, within(Duration(50)));  // as far as it is taken
  EXPECT_TRUE(wait_until([&] { return answers == kConnections; }, 2 * kPatience)) << answers;
  expect_bounded(edge, before, "stuck both ways");
  over = true;
}

}  // namespace
}  // namespace weir::testing
