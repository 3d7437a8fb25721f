// What a rollout must not do, whom it calls, and whether its plan has the time that it needs.
#include "tests/e2e/rolled_out.h"

namespace weir::testing {
namespace {

namespace json = boost::json;

/// The whole week, whenever this test runs.
constexpr const char* kAlways = R"(freeze: ["Mon 00:00-Thu 00:00 Europe/Berlin", "Thu 00:00-Mon 00:00 Europe/Berlin"])";

std::string quick(const std::string& more) {
  return "{ stages: [{ share: 20%, proof: harm_only }, { share: 60%, proof: harm_only }, 100%], hold: 300ms, "
         "min_users: 20, soak: 300ms, warmup: 0s, judge: { metrics: [errors] }" +
         (more.empty() ? "" : ", " + more) + " }";
}

TEST(Freeze, NothingClimbsInIt) {
  RolledOut shop(quick(fmt::format("guards: {{ {} }}", kAlways)));
  const Response refused = shop.tell("start");
  EXPECT_EQ(refused.status, 409) << refused;
  EXPECT_NE(refused.body.find("nothing climbs until"), std::string::npos) << refused.body;
  EXPECT_EQ(shop.share(), "0%");
}

TEST(Freeze, ThatBeginsUnderWayStopsTheClimbAndRollingBackWorks) {
  RolledOut shop(quick(""));
  ASSERT_EQ(shop.tell("start").status, 200);
  EXPECT_TRUE(shop.rollout().at("frozen_until").is_null());
  ASSERT_TRUE(shop.reaches("judging"));  // its time is over, and nobody came yet
  shop.plan(quick(fmt::format("guards: {{ {} }}", kAlways)));
  const Crowd crowd(shop.weir->edge(), 300);
  ASSERT_TRUE(wait_until([&] { return shop.why().find("nothing climbs until") != std::string::npos; }, kPatience * 4))
      << shop.rollout();
  EXPECT_EQ(shop.share(), "20%");
  EXPECT_TRUE(shop.rollout().at("frozen_until").is_string());
  EXPECT_EQ(shop.tell("skip").status, 409);
  shop.break_new();
  ASSERT_TRUE(shop.reaches("rolled_back")) << shop.rollout();
  EXPECT_EQ(shop.share(), "0%");
}

TEST(Freeze, ThatIsOverLetsItClimbOnWithItsEvidence) {
  RolledOut shop(quick(""));
  ASSERT_EQ(shop.tell("start").status, 200);
  ASSERT_TRUE(shop.reaches("judging"));
  shop.plan(quick(fmt::format("guards: {{ {} }}", kAlways)));
  const Crowd crowd(shop.weir->edge(), 300);
  ASSERT_TRUE(wait_until([&] { return shop.why().find("nothing climbs until") != std::string::npos; }, kPatience * 4));
  shop.plan(quick(""));
  EXPECT_TRUE(shop.reaches("done")) << shop.rollout();
}

TEST(Freeze, InAZoneThatThereIsNotIsTold) {
  Directory directory;
  write_file(directory / "weir.yaml", R"(listeners: [{ address: "127.0.0.1:0" }]
services:
  - name: shop
    cohort: { key: cookie:uid }
    stable: old
    versions: { old: { endpoints: ["127.0.0.1:1"] }, new: { endpoints: ["127.0.0.1:2"] } }
    rollout: { stages: [10%], guards: { freeze: ["Fri 16:00-Mon 08:00 Europe/Atlantis"] } }
)");
  const Finished checked = run(weir_program(), {"check", "-c", directory / "weir.yaml"});
  EXPECT_EQ(checked.code, 3);
  EXPECT_NE(checked.errors.find("weir.yaml:7:50: freeze: there is no time zone Europe/Atlantis"), std::string::npos)
      << checked.errors;
}

std::string hooks(const std::string& lines) { return "hooks: [{ " + lines + " }]"; }

/// What the hook was told, in order.
std::vector<std::string> told(const Origin& hook) {
  std::vector<std::string> events;
  for (const Request& request : hook.requests()) {
    if (!request.complete) continue;
    const json::value said = json::parse(request.body);
    events.push_back(
        fmt::format("{} {}", std::string(said.at("event").as_string()), std::string(said.at("share").as_string())));
  }
  return events;
}

TEST(Hooks, AreToldOfEachStepInItsOrder) {
  Origin hook(ok(""));
  RolledOut shop(quick(hooks(fmt::format("url: \"http://{}/told?x=1\"", hook.address()))));
  const Crowd crowd(shop.weir->edge(), 300);
  ASSERT_EQ(shop.tell("start").status, 200);
  ASSERT_TRUE(shop.reaches("done")) << shop.rollout();
  ASSERT_TRUE(hook.wait_for_requests(4));
  EXPECT_EQ(told(hook), (std::vector<std::string>{"stage 20%", "stage 60%", "stage 100%", "done 100%"}));
  const Request first = hook.requests().front();
  EXPECT_EQ(first.method, "POST");
  EXPECT_EQ(first.target, "/told?x=1");
  EXPECT_EQ(first.fields.get("Host"), hook.address());
  EXPECT_EQ(first.fields.get("Content-Type"), "application/json");
  EXPECT_EQ(json::parse(first.body).at("text").as_string(), "shop: start of new at 20%");
  EXPECT_TRUE(wait_until([&] {
    return shop.weir->metrics().sum("weir_rollout_hook_calls_total", {{"service", "shop"}, {"result", "ok"}}) == 4;
  }));
}

TEST(Hooks, AreToldOnlyWhatTheyWishToHear) {
  Origin hook(ok(""));
  RolledOut shop(
      quick("if_failing: rollback, " + hooks(fmt::format("on: [fail, pause], url: \"http://{}\"", hook.address()))));
  ASSERT_EQ(shop.tell("start").status, 200);
  ASSERT_EQ(shop.tell("pause").status, 200);
  ASSERT_EQ(shop.tell("resume").status, 200);
  shop.break_new();
  const Crowd crowd(shop.weir->edge(), 300);
  ASSERT_TRUE(shop.reaches("rolled_back"));
  ASSERT_TRUE(hook.wait_for_requests(2));
  EXPECT_EQ(told(hook), (std::vector<std::string>{"pause 20%", "fail 0%"}));
}

TEST(Hooks, ThatHangAreWaitedForByNobody) {
  Origin hook(never());
  RolledOut shop(quick(hooks(fmt::format("url: \"http://{}\", timeout: 1h", hook.address()))));
  shop.break_new();
  ASSERT_EQ(shop.tell("start").status, 200);
  ASSERT_TRUE(hook.wait_for_requests(1));
  const Crowd crowd(shop.weir->edge(), 300);
  ASSERT_TRUE(shop.reaches("rolled_back"));
  EXPECT_EQ(shop.share(), "0%");
  EXPECT_EQ(shop.weir->metrics().sum("weir_rollout_hook_calls_total"), 0) << "the first call still hangs";
  EXPECT_EQ(hook.complete_requests(), 1u) << "calls to one address are made one after the other";
}

TEST(Hooks, ThatFailAreToldOnceAndHurtNothing) {
  Origin wrong(raw("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")), late(never());
  const std::string gone = [] {
    Origin origin;
    return origin.address();
  }();
  const auto url = [](const std::string& address) {
    return fmt::format("{{ url: \"http://{}\", timeout: 100ms }}", address);
  };
  RolledOut shop(quick(fmt::format("hooks: [{}, {}, {}]", url(wrong.address()), url(late.address()), url(gone))));
  ASSERT_EQ(shop.tell("start").status, 200);
  ASSERT_TRUE(wait_until([&] {
    return shop.weir->metrics().sum("weir_rollout_hook_calls_total", {{"service", "shop"}, {"result", "failed"}}) == 3;
  }));
  EXPECT_NE(shop.weir->log().find("was not told of stage: answered 500"), std::string::npos) << shop.weir->log();
  EXPECT_NE(shop.weir->log().find("was not told of stage: no answer within 100 ms"), std::string::npos);
  EXPECT_NE(shop.weir->log().find("was not told of stage: Connection refused"), std::string::npos);
  EXPECT_EQ(shop.state(), "holding");
  EXPECT_EQ(wrong.complete_requests(), 1u) << "a call is made once";
}

TEST(Hooks, WaitInALineThatEnds) {
  Origin hook(never());
  RolledOut shop(quick(hooks(fmt::format("on: [pause], url: \"http://{}\", timeout: 1h", hook.address()))));
  ASSERT_EQ(shop.tell("start").status, 200);
  for (int i = 0; i < 30; ++i) {
    ASSERT_EQ(shop.tell("pause").status, 200);
    ASSERT_TRUE(hook.wait_for_requests(1));
    ASSERT_EQ(shop.tell("resume").status, 200);
  }
  // One is being made and sixteen wait.
  EXPECT_TRUE(wait_until([&] {
    return shop.weir->metrics().sum("weir_rollout_hook_calls_total", {{"service", "shop"}, {"result", "failed"}}) == 13;
  })) << shop.weir->metrics().sum("weir_rollout_hook_calls_total");
}

class Planned {
 public:
  /// What `weir check` says of these stages, where `users` is what is known of the day before.
  Finished check(const std::string& rollout, const std::string& users) {
    write_file(directory / "users.json", users);
    write_file(directory / "weir.yaml", fmt::format(R"(listeners: [{{ address: "127.0.0.1:0" }}]
state: {{ directory: {} }}
services:
  - name: shop
    cohort: {{ key: cookie:uid }}
    stable: old
    versions: {{ old: {{ endpoints: ["127.0.0.1:1"] }}, new: {{ endpoints: ["127.0.0.1:2"] }} }}
    rollout: {}
)",
                                                    directory.path(), rollout));
    return run(weir_program(), {"check", "-c", directory / "weir.yaml"});
  }
  Directory directory;
};

constexpr const char* kSmallShop = R"({"shop":{"users":{"in_ten_minutes":100,"in_hour":400,"in_day":4000}}})";

TEST(Check, TellsOfAStageThatCannotPassInItsHoldByTheUsersOfTheDayBefore) {
  Planned shop;
  const Finished checked = shop.check("{ stages: [1%, 25%, 100%], hold: 10m }", kSmallShop);
  EXPECT_EQ(checked.code, 0) << checked.errors;
  // 200 of 1% are 20,000 users, 736 of 25% are 2,944 of the day's 4,000.
  EXPECT_NE(checked.errors.find("weir.yaml:8:25: stages: 1% of shop's users, about 4000 in the last day, are 200 in no "
                                "less than 5d"),
            std::string::npos)
      << checked.errors;
  EXPECT_NE(checked.errors.find("weir.yaml:8:29: stages: 25% of shop's users"), std::string::npos) << checked.errors;
  EXPECT_NE(checked.errors.find("736"), std::string::npos) << checked.errors;
  EXPECT_EQ(checked.errors.find("100% of"), std::string::npos) << checked.errors;
}

TEST(Check, SaysNothingOfAStageThatHasTime) {
  Planned shop;
  EXPECT_EQ(shop.check("{ stages: [{ share: 50%, proof: harm_only }, 100%], hold: 2h }", kSmallShop).errors, "");
}

TEST(Check, SaysNothingWhereUsersAreNotKnown) {
  Planned shop;
  const std::string rollout = "{ stages: [1%, 100%], hold: 1s }";
  EXPECT_EQ(shop.check(rollout, "{}").errors, "");
  EXPECT_EQ(shop.check(rollout, R"({"shop":{"begun":{}}})").errors, "");
  EXPECT_EQ(shop.check(rollout, R"({"other":{"users":{"in_ten_minutes":1,"in_hour":1,"in_day":1}}})").errors, "");
  EXPECT_EQ(shop.check(rollout, "no JSON").errors, "");
}

}  // namespace
}  // namespace weir::testing
