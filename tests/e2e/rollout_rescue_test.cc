// Who waits for a candidate when it is rolled back: rescued where the operator wished for it and it is safe.
#include <future>

#include "tests/e2e/rolled_out.h"

namespace weir::testing {
namespace {

constexpr const char* kRescue =
    "retry: { retries: 1, budget: 100%, when: [connect, reset, timeout], rescue_on_stable: true }";
constexpr const char* kNewUser = "Cookie: uid=7f3a9c2e\r\n";

TEST(Rescue, UsersWhoWaitForAHungCandidateGoToStableWhenItIsRolledBack) {
  RolledOut shop("{ stages: [50%, 100%], hold: 1h, warmup: 0s }", {kRescue});
  EXPECT_EQ(shop.ask(0, 200), 0);  // what the stable version takes is known
  shop.new_origin.answer(never());
  ASSERT_EQ(shop.tell("start").status, 200);
  const auto waiting = shop.wait(60);
  for (const auto& client : waiting) EXPECT_EQ(client->receive("GET").body, "old");  // time-outs come after 30 s
  EXPECT_TRUE(shop.reaches("rolled_back")) << shop.why();
  const Metrics metrics = shop.weir->metrics();
  EXPECT_GE(metrics.sum("weir_errors_total", {{"version", "new"}, {"error", "http_response_timeout"}}), 13);
  EXPECT_EQ(metrics.sum("weir_requests_total", {{"code_class", "5xx"}}), 0);
}

/// A candidate that has a request and does not say all of its answer until it is let go.
class Held : public Operated {
 public:
  explicit Held(const std::string& retry, std::string first = "")
      : Operated({.share = "10%", .service = {retry}}), first_(std::move(first)) {
    new_origin.answer([this, released = release_.get_future().share()](Turn& turn) {
      turn.read_body();
      const std::string whole = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nheld";
      turn.send(whole.substr(0, first_.size()));
      released.wait_for(kPatience);
      turn.send(whole.substr(first_.size()));
    });
  }
  ~Held() { let_go(); }
  void let_go() {
    if (!std::exchange(let_go_, true)) release_.set_value();
  }
  /// Rolled back by hand, while a request waits; every session of the worker has been told.
  void roll_back() {
    ASSERT_TRUE(new_origin.wait_for_requests(1));
    ASSERT_EQ(post("rollback").status, 200);
    ASSERT_EQ(version(), "old");
  }

 private:
  const std::string first_;
  std::promise<void> release_;
  bool let_go_ = false;
};

TEST(Rescue, IsForARollbackByHandToo) {
  Held shop(kRescue);
  Client client(shop.weir->edge());
  ASSERT_TRUE(client.send(get("/", "shop.example", kNewUser)));
  shop.roll_back();
  EXPECT_EQ(client.receive("GET").body, "old");
}

TEST(Rescue, IsNotForWhatIsNotSafe) {
  Held shop(kRescue);
  Client client(shop.weir->edge());
  ASSERT_TRUE(client.send(post("/", "buy", kNewUser)));
  shop.roll_back();
  shop.let_go();
  EXPECT_EQ(client.receive("POST").body, "held");
}

TEST(Rescue, IsNotForAnswersThatHaveBegun) {
  Held shop(kRescue, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhe");
  Client client(shop.weir->edge());
  ASSERT_TRUE(client.send(get("/", "shop.example", kNewUser)));
  Response answer = client.receive_head();
  shop.roll_back();
  shop.let_go();
  client.receive_body(answer);
  EXPECT_EQ(answer.body, "held");
}

TEST(Rescue, IsOnlyWhereTimeOutsAreToBeTriedAgain) {
  Held shop("retry: { retries: 1, budget: 100%, when: [connect, reset], rescue_on_stable: true }");
  Client client(shop.weir->edge());
  ASSERT_TRUE(client.send(get("/", "shop.example", kNewUser)));
  shop.roll_back();
  shop.let_go();
  EXPECT_EQ(client.receive("GET").body, "held");
}

}  // namespace
}  // namespace weir::testing
