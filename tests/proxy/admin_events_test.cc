// Events as they come: to everybody who listens, and to nobody who does not read.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/proxy/admin_running.h"
#include "tests/support/client.h"
#include "tests/support/patience.h"

namespace weir::admin {
namespace {

using namespace std::chrono_literals;
using testing::Client;

const std::string kBegin = "retry: 2000\n\n";

class Events : public ::testing::Test {
 protected:
  /// A client that listens: the head was read, and what comes first.
  std::unique_ptr<Client> listen(const testing::ConnectOptions& connect = {}) {
    auto client = std::make_unique<Client>(running_.address, connect);
    client->send(get("/api/v1/events"));
    const auto head = client->receive_head();
    EXPECT_EQ(head.status, 200) << head;
    EXPECT_EQ(head.fields.get("content-type"), "text/event-stream");
    EXPECT_FALSE(head.fields.has("content-length"));
    EXPECT_EQ(head.fields.get("connection"), "close");
    EXPECT_EQ(client->receive_bytes(kBegin.size()), kBegin);
    return client;
  }
  void tell(const std::string& kind, const std::string& json) {
    running_.on_its_thread([&] { running_.control.tell({kind, json}); });
  }
  size_t listeners() {
    size_t count = 0;
    running_.on_its_thread([&] { count = running_.control.listeners(); });
    return count;
  }

  static Options options() {
    Options options = options_at("127.0.0.1:0");
    options.max_event_readers = 3;
    return options;
  }
  Running running_{options()};
};

TEST_F(Events, EverybodyWhoListensIsTold) {
  const auto one = listen(), other = listen();
  tell("change", R"({"service":"shop"})");
  tell("reload", R"({"ok":true})");
  const std::string told = "event: change\ndata: {\"service\":\"shop\"}\n\nevent: reload\ndata: {\"ok\":true}\n\n";
  EXPECT_EQ(one->receive_bytes(told.size()), told);
  EXPECT_EQ(other->receive_bytes(told.size()), told);
}

TEST_F(Events, AHeadRequestDoesNotListen) {
  Client client(running_.address);
  client.send("HEAD /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.receive_head().status, 200);
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(listeners(), 0u);
}

TEST_F(Events, WhoLeavesIsForgotten) {
  auto one = listen();
  const auto other = listen();
  EXPECT_EQ(listeners(), 2u);
  one->reset();
  EXPECT_TRUE(testing::wait_until([&] { return listeners() == 1; }));
  tell("change", "{}");
  EXPECT_EQ(other->receive_bytes(21), "event: change\ndata: {");
}

TEST_F(Events, WhoSendsMoreHasHeardEnough) {
  const auto client = listen();
  client->send(get("/healthz"));
  EXPECT_TRUE(client->closed());
  EXPECT_TRUE(testing::wait_until([&] { return listeners() == 0; }));
}

TEST_F(Events, OnlySoManyListen) {
  std::vector<std::unique_ptr<Client>> all;
  for (int i = 0; i < 3; ++i) all.push_back(listen());
  const auto refused = testing::fetch(running_.address, get("/api/v1/events"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.fields.get("retry-after"), "5");
  EXPECT_EQ(testing::fetch(running_.address, get("/healthz")).status, 200);
  all.pop_back();
  EXPECT_TRUE(testing::wait_until([&] { return listeners() == 2; }));
  listen();
}

TEST_F(Events, ASlowReaderIsDroppedAndNotWaitedFor) {
  testing::ConnectOptions small;
  small.receive_buffer = 4096;
  const auto slow = listen(small);
  const auto quick = listen();
  const std::string event(60'000, 'x');
  std::string first;
  for (int i = 0; i < 2'000 && listeners() == 2; ++i) {
    tell("change", event);
    const std::string told = quick->receive_bytes(event.size() + 22);
    ASSERT_EQ(told.size(), event.size() + 22) << i;
  }
  EXPECT_EQ(listeners(), 1u);
  tell("change", "{}");
  EXPECT_EQ(quick->receive_bytes(24), "event: change\ndata: {}\n\n");
  slow->receive_all();
  EXPECT_NE(slow->end(), testing::End::none);
}

TEST_F(Events, AServerThatStopsListensNoMore) {
  const auto client = listen();
  running_.on_its_thread([&] { EXPECT_EQ(running_.control.listeners(), 1u); });
  running_.stop();
  EXPECT_TRUE(client->closed());
  EXPECT_EQ(listeners(), 0u);
  tell("change", "{}");
}

TEST_F(Events, TakeNoParameters) {
  EXPECT_EQ(testing::fetch(running_.address, get("/api/v1/events?service=shop")).status, 400);
}

TEST(QuietEvents, ACommentKeepsThemAlive) {
  Options options = options_at("127.0.0.1:0");
  options.heartbeat = 20ms;
  options.timeout = 100ms;
  Running running(options);
  Client client(running.address);
  client.send(get("/api/v1/events"));
  EXPECT_EQ(client.receive_head().status, 200);
  std::string told = kBegin;
  for (int i = 0; i < 10; ++i) told += ": still here\n\n";
  EXPECT_EQ(client.receive_bytes(told.size()), told);
}

}  // namespace
}  // namespace weir::admin
