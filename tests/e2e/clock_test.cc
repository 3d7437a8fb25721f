// The wall clock jumps: dates follow it, and nothing that lasts for a while does.

#include <ctime>
#include <future>

#include "tests/e2e/rolled_out.h"
#include "tests/e2e/told_clock.h"

namespace weir::testing {
namespace {

constexpr std::chrono::hours kFar{400 * 24};

/// A wall clock that is told by a file; every other clock is the machine's.
class TimeOfDay {
 public:
  /// For a weir that goes by it.
  ProgramOptions options() const { return clock_.options(); }
  void set(std::chrono::hours ahead) { clock_.set(ahead); }
  /// How far ahead of ours weir's clock is, as its answers say.
  static std::chrono::hours ahead(const Response& response) {
    std::tm date{};
    const std::string text = response.fields.get("Date");
    if (!::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date)) return std::chrono::hours(-1);
    const double seconds = std::difftime(::timegm(&date), std::time(nullptr));
    return std::chrono::round<std::chrono::hours>(std::chrono::duration<double>(seconds));
  }

 private:
  ToldClock clock_;
};

class Clocked : public TimeOfDay, public Operated {
 public:
  explicit Clocked(ConfigText config = {}) : Operated(std::move(config)) {
    restart_with(weir->config(), SIGKILL, options());
  }
  double up() { return weir->metrics().sum("weir_endpoint_up", {{"version", "old"}}); }
};

TEST(WallClock, AJumpEitherWayEndsNobodysRequestOrConnection) {
  Clocked shop({.share = "0%"});
  Client kept(shop.weir->edge());
  kept.send(get("/"));
  EXPECT_EQ(kept.receive().status, 200);
  for (const std::chrono::hours jump : {kFar, -kFar}) {
    std::promise<void> release;
    shop.old_origin.on("/hold", [released = release.get_future().share()](Turn& turn) {
      turn.read_body();
      released.wait_for(kPatience);
      turn.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nheld");
    });
    const size_t before = shop.old_origin.requests().size();
    Client held(shop.weir->edge());
    held.send(get("/hold"));
    ASSERT_TRUE(wait_until([&] { return shop.old_origin.requests().size() > before; }));
    shop.set(jump);
    ASSERT_TRUE(wait_until([&] {
      kept.send(get("/"));
      return shop.ahead(kept.receive()) == jump;
    })) << "on the same connection all the while";
    EXPECT_EQ(shop.weir->admin_get("/readyz").status, 200);
    release.set_value();
    EXPECT_EQ(held.receive().body, "held");
  }
  EXPECT_EQ(shop.weir->metrics().sum("weir_errors_total"), 0);
  EXPECT_EQ(kept.end(), End::none);
}

TEST(WallClock, ChangesStandInTheOrderTheyWereMadeInWhateverItSaid) {
  Clocked shop;
  shop.set(kFar);
  ASSERT_EQ(shop.put("10%").status, 200);
  shop.set(-kFar);
  ASSERT_EQ(shop.put("20%").status, 200);
  const auto changes = shop.history();
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_GT(changes[0].at("revision").to_number<int64_t>(), changes[1].at("revision").to_number<int64_t>());
  EXPECT_LT(changes[0].at("at").as_string(), changes[1].at("at").as_string()) << "as the clock said";
  shop.restart();
  EXPECT_EQ(shop.share(), "20%");
}

TEST(WallClock, AnEjectionLastsAsLongAsItWasMeantTo) {
  Origin failing(raw("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")), well;
  const auto ejecting = [&](const std::string& base) {
    ConfigText config{.share = "0%"};
    config.old_version = {fmt::format("outlier: {{ consecutive: 1, base: {}, max: 2h, when: [5xx] }}", base)};
    auto shop = std::make_unique<Clocked>(config);
    ConfigText both = shop->weir->config();
    both.old_endpoints = {failing.address(), well.address()};
    shop->weir->reload(both);
    EXPECT_TRUE(wait_until([&] { return fetch(shop->weir->edge(), get("/")).status == 500; }));
    return shop;
  };
  auto for_long = ejecting("1h");
  for_long->set(kFar);
  EXPECT_TRUE(wait_until([&] { return for_long->ahead(fetch(for_long->weir->edge(), get("/"))) == kFar; }));
  EXPECT_EQ(for_long->up(), 1);
  auto for_a_moment = ejecting("200ms");
  for_a_moment->set(-kFar);
  EXPECT_TRUE(wait_until([&] { return for_a_moment->up() == 2; }));
}

class ClockedRollout : public TimeOfDay, public RolledOut {
 public:
  explicit ClockedRollout(const std::string& rollout) : RolledOut(rollout) {
    restart_with(weir->config(), SIGKILL, options());
  }
  /// The clock jumps, and weir has noticed.
  void jump(std::chrono::hours to) {
    set(to);
    ASSERT_TRUE(wait_until([&] { return ahead(fetch(weir->edge(), get("/"))) == to; }));
  }
  double in_stage() { return rollout().at("in_stage_seconds").to_number<double>(); }
  double left() { return rollout().at("left_seconds").to_number<double>(); }
  int erred() { return rollout().at("metrics").at("errors").at("erred_first").at("candidate").to_number<int>(); }
};

TEST(WallClock, NeitherTheTimeOfARolloutsStageNorItsEvidenceJumpsWithIt) {
  const auto begun = std::chrono::steady_clock::now();
  ClockedRollout shop("{ stages: [50%, 100%], hold: 1h, warmup: 0s, judge: { metrics: [errors] } }");
  shop.break_new();
  ASSERT_EQ(shop.tell("start").status, 200);
  for (int user = 0; shop.erred() < 3 && user < 100; ++user) shop.ask(user, user + 1);
  for (const std::chrono::hours to : {kFar, -kFar, std::chrono::hours(0)}) {
    const double before = shop.in_stage();
    shop.jump(to);
    ASSERT_TRUE(wait_until([&] { return shop.in_stage() > before; })) << "it was looked at since";
    const std::chrono::duration<double> lived = std::chrono::steady_clock::now() - begun;
    EXPECT_LE(shop.in_stage(), lived.count() + 1) << shop.rollout();
    EXPECT_GE(shop.left(), 3600 - 1 - lived.count()) << shop.rollout();
    EXPECT_EQ(shop.state(), "holding");
    EXPECT_EQ(shop.erred(), 3);
  }
  shop.jump(kFar);
  ASSERT_EQ(shop.tell("pause").status, 200);
  const double before = shop.in_stage();
  shop.restart();  // by the machine's clock: 400 days back
  EXPECT_EQ(shop.state(), "paused");
  EXPECT_GE(shop.in_stage(), before);
  EXPECT_LT(shop.in_stage(), 3600);
  EXPECT_EQ(shop.erred(), 3);
}

TEST(WallClock, ARolloutClimbsOnWhileItJumps) {
  ClockedRollout shop(
      "{ stages: [{ share: 20%, proof: harm_only }, { share: 60%, proof: harm_only }, 100%], hold: 1s, min_users: 20, "
      "soak: 1s, warmup: 0s, judge: { metrics: [errors] } }");
  const Crowd crowd(shop.weir->edge(), 300);
  ASSERT_EQ(shop.tell("start").status, 200);
  bool forward = false;
  EXPECT_TRUE(wait_until(
      [&] {
        shop.set((forward = !forward) ? kFar : -kFar);
        return shop.state() == "done";
      },
      kPatience * 4))
      << shop.rollout();
  std::vector<std::string> shares;
  for (const auto& change : shop.history()) shares.emplace_back(change.at("after").at("new").as_string());
  EXPECT_EQ(shares, (std::vector<std::string>{"100%", "60%", "20%"}));
}

}  // namespace
}  // namespace weir::testing
