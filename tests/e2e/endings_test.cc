// How connections end when somebody still sends, is reset, or is late: nothing is lost, nothing looks whole that is
// not.
#include <fmt/format.h>

#include <future>

#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

TEST(Endings, AResetResponseDoesNotLookWholeWhileTheRequestIsUnderWay) {
  Edge edge([](Turn& turn) {
    turn.send("HTTP/1.1 200 OK\r\n\r\npart");  // its end is the connection's
    turn.reset();
  });
  for (int i = 0; i < 20; ++i) {
    Client client = edge.client();
    client.send("POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 1000000\r\n\r\n" + std::string(300000, 'x'));
    const Response response = client.receive("POST");
    EXPECT_TRUE(response.status >= 500 || !response.complete) << response;
  }
}

/// What the client sends stands unread when weir has written the rest and closes: a reset would overtake most of it.
TEST(Endings, AnAnswerBeforeCloseIsWholeThoughTheClientSendsMore) {
  const std::string body(200'000, 'b');  // the kernel takes it at once; the client's window holds little of it
  std::promise<void> more;
  std::shared_future<void> sent_more = more.get_future().share();
  Edge edge([&](Turn& turn) {
    turn.read_body();
    turn.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.size()));
    sent_more.wait_for(kPatience);
    turn.send(body);
  });
  Client client = edge.client({.from = {}, .receive_buffer = 4096});
  client.send("GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
  Response response = client.receive_head();
  client.send("\r\n");
  more.set_value();
  client.receive_body(response);
  EXPECT_EQ(response.fault, "");
  EXPECT_EQ(response.body.size(), body.size());
}

TEST(Endings, AHeadThatTricklesInIsLateAllTheSame) {
  ConfigText config;
  config.timeouts["response_head"] = "500ms";
  Edge edge(
      [](Turn& turn) {
        turn.read_body();
        for (int i = 0; i < 2000 && turn.send(i == 0 ? "HTTP/1.1 200 OK\r\nX: " : "x"); ++i) {
          wait_until([] { return false; }, Duration{50});  // a byte now and then
        }
      },
      config);
  const auto began = Clock::now();
  EXPECT_EQ(edge.fetch(get("/")).status, 504);
  EXPECT_LT(Clock::now() - began, kPatience);
}

TEST(Endings, ResponsesThatFillABufferKeepTheirConnection) {
  if (peer() != "weir") return;  // a promise of weir's
  // What weir reads at once, with the head: the read tells nothing of what stands behind it.
  for (const size_t size : {65536, 131072, 600000}) {
    std::string whole = fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", size - 100);
    whole += std::string(size - 100, 'b');
    whole.insert(whole.find("\r\n") + 2, "X: " + std::string(size - whole.size() - 5, 'x') + "\r\n");
    ASSERT_EQ(whole.size(), size);
    Edge edge(raw(whole));
    Client client = edge.client();
    for (int i = 0; i < 10; ++i) {
      client.send(get("/"));
      ASSERT_EQ(client.receive().body.size(), size - 100);
    }
    EXPECT_LE(edge.origin.connections(), 2u) << size;
  }
}

}  // namespace
}  // namespace weir::testing
