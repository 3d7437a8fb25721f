// Rollouts in bad company: restarts, kills, several operators, few users, and faults that are not the candidate's.
#include <algorithm>
#include <array>
#include <thread>

#include "tests/e2e/rolled_out.h"

namespace weir::testing {
namespace {

namespace json = boost::json;

constexpr const char* kHalf = "{ stages: [50%, 100%], hold: 1h, warmup: 0s, judge: { metrics: [errors] } }";
constexpr const char* kQuick =
    "{ stages: [{ share: 20%, proof: harm_only }, { share: 60%, proof: harm_only }, 100%], hold: 400ms, min_users: 20, "
    "soak: 300ms, warmup: 0s, judge: { metrics: [errors] } }";

int first_errors(RolledOut& shop, const char* side) {
  return shop.rollout().at("metrics").at("errors").at("erred_first").at(side).to_number<int>();
}

/// The statuses with which two operators are answered who say the same at the same time.
std::array<int, 2> both(RolledOut& shop, const std::string& command) {
  std::array<int, 2> statuses{};
  {
    std::jthread other([&] { statuses[1] = shop.tell(command).status; });
    statuses[0] = shop.tell(command).status;
  }
  std::ranges::sort(statuses);
  return statuses;
}

TEST(RolloutCases, OfTwoOperatorsAtOnceOneIsHeardAndTheOtherIsTold) {
  RolledOut shop(
      "{ stages: [{ share: 10%, approve: true, proof: harm_only }, 100%], hold: 200ms, min_users: 5, warmup: 0s, "
      "judge: { metrics: [errors] } }");
  EXPECT_EQ(both(shop, "start"), (std::array{200, 409}));
  const Crowd crowd(shop.weir->edge(), 200);
  ASSERT_TRUE(shop.reaches("awaiting_approval")) << shop.rollout();
  EXPECT_EQ(both(shop, "approve"), (std::array{200, 409}));
  EXPECT_EQ(shop.share(), "100%");
}

TEST(RolloutCases, WhoeverSaysAtWhichStageItIsDoesNotSkipTwice) {
  RolledOut shop("{ stages: [10%, 50%, 100%], hold: 1h }");
  ASSERT_EQ(shop.tell("start").status, 200);
  const std::string body = R"({"command":"skip","stage":1})";
  EXPECT_EQ(shop.post("rollout", body).status, 200);
  const Response second = shop.post("rollout", body);
  EXPECT_EQ(second.status, 412);
  EXPECT_NE(second.body.find("is at stage 2 now, holding"), std::string::npos) << second;
  EXPECT_EQ(shop.post("rollout", R"({"command":"skip","stage":0})").status, 422);
  EXPECT_EQ(shop.share(), "50%");
  const auto skip = [&](const char* stage) {
    return run(weir_program(),
               {"rollout", "skip", "shop", "--if-stage", stage, "--actor", "anna", "--admin", shop.weir->admin()});
  };
  const Finished late = skip("1");
  EXPECT_EQ(late.code, 4) << late.errors;
  EXPECT_NE(late.errors.find("somebody was first"), std::string::npos) << late.errors;
  EXPECT_EQ(shop.share(), "50%");
  EXPECT_EQ(skip("2").code, 0);
  EXPECT_EQ(shop.share(), "100%");
  EXPECT_EQ(shop.history().at(0).at("actor").as_string(), "anna") << "who said it stands in the split's history too";
}

TEST(RolloutCases, AKillAtEachStepLosesNoStepAndDoublesNone) {
  RolledOut shop(kQuick);
  ASSERT_EQ(shop.tell("start").status, 200);
  const std::vector<std::string> stages{"20%", "60%", "100%"};
  const auto stage = [&] { return std::ranges::find(stages, shop.share()) - stages.begin(); };
  int kills = 0;
  for (auto before = stage(); before < 2; ++kills) {
    shop.restart();
    ASSERT_GE(stage(), before) << shop.rollout();
    {
      const Crowd crowd(shop.weir->edge(), 300);
      ASSERT_TRUE(wait_until([&] { return stage() > before; }, kPatience * 4)) << shop.rollout();
    }
    before = stage();
  }
  EXPECT_GE(kills, 1);
  shop.restart();
  ASSERT_TRUE(shop.reaches("done")) << shop.rollout();
  shop.restart();
  EXPECT_EQ(shop.state(), "done");
  std::vector<std::string> shares;
  for (const json::value& change : shop.history()) shares.emplace_back(change.at("after").at("new").as_string());
  EXPECT_EQ(shares, (std::vector<std::string>{"100%", "60%", "20%"}));
}

TEST(RolloutCases, AKillAfterARollbackLeavesItRolledBack) {
  RolledOut shop(kHalf);
  shop.break_new();
  ASSERT_EQ(shop.tell("start").status, 200);
  for (int user = 0; user < 400 && shop.state() != "rolled_back"; ++user) shop.ask(user, user + 1);
  ASSERT_EQ(shop.state(), "rolled_back");
  shop.restart();
  EXPECT_EQ(shop.state(), "rolled_back");
  EXPECT_TRUE(shop.split().at("closed").as_bool());
  EXPECT_EQ(shop.ask(0, 100), 0);
}

TEST(RolloutCases, AnEndpointThatIsRestartedBesideAnotherStopsNothing) {
  Origin second("new");
  RolledOut shop(kQuick, {"retry: { retries: 1, budget: 100%, when: [connect, reset] }"});
  ConfigText config = shop.weir->config();
  config.new_endpoints.push_back(second.address());
  shop.weir->reload(config);
  const Crowd crowd(shop.weir->edge(), 300);
  ASSERT_EQ(shop.tell("start").status, 200);
  second.stop();
  ASSERT_TRUE(wait_until([&] { return shop.share() == "60%"; }, kPatience * 4)) << shop.rollout();
  second.start();
  EXPECT_TRUE(shop.reaches("done")) << shop.rollout();
}

TEST(RolloutCases, OneUserAloneNeitherPassesNorRollsBack) {
  RolledOut shop("{ stages: [50%, 100%], hold: 200ms, warmup: 0s, judge: { metrics: [errors] } }");
  ASSERT_EQ(shop.tell("start").status, 200);
  shop.break_new();
  const auto ask = [&] {
    return fetch(shop.weir->edge(), get("/", "shop.example", "Cookie: uid=7f3a9c2e\r\n")).status;
  };
  for (int i = 0; i < 200; ++i) EXPECT_EQ(ask(), 500);
  ASSERT_TRUE(wait_until([&] { return first_errors(shop, "candidate") == 1; }));
  ASSERT_TRUE(shop.reaches("judging"));
  EXPECT_NE(shop.rollout().at("missing").as_string().find("more users"), json::string::npos) << shop.rollout();
  EXPECT_EQ(shop.share(), "50%");
}

TEST(RolloutCases, WhereEverybodyErrsOnBothVersionsNoneIsBlamed) {
  RolledOut shop(kHalf);
  shop.break_new();
  shop.old_origin.answer(raw("HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n"));
  ASSERT_EQ(shop.tell("start").status, 200);
  EXPECT_EQ(shop.ask(0, 300), 300);
  ASSERT_TRUE(wait_until([&] { return first_errors(shop, "candidate") + first_errors(shop, "stable") >= 299; }));
  EXPECT_NE(shop.state(), "rolled_back") << shop.rollout();
  EXPECT_EQ(shop.share(), "50%");
}

TEST(RolloutCases, PastAStageWithoutReturnHarmPausesAndStays) {
  RolledOut shop(
      "{ stages: [{ share: 50%, no_return: true }, 100%], hold: 1h, warmup: 0s, judge: { metrics: [errors] } }");
  shop.break_new();
  ASSERT_EQ(shop.tell("start").status, 200);
  for (int user = 0; user < 400 && shop.state() != "paused"; ++user) shop.ask(user, user + 1);
  EXPECT_EQ(shop.state(), "paused");
  EXPECT_EQ(shop.rollout().at("history").as_array().back().at("what").as_string(), "fail");
  EXPECT_EQ(shop.share(), "50%");
  EXPECT_EQ(shop.post("rollback").status, 409);
  const Finished forced = run(weir_program(), {"rollback", "shop", "--force", "--admin", shop.weir->admin()});
  EXPECT_EQ(forced.code, 0) << forced.errors;
  EXPECT_EQ(shop.share(), "0%");
}

TEST(RolloutCases, OfOneNetworkNoMoreUsersCountThanThePlanSays) {
  RolledOut shop("{ stages: [50%, 100%], hold: 1h, warmup: 0s, judge: { metrics: [errors], per_network: 3 } }");
  shop.break_new();
  ASSERT_EQ(shop.tell("start").status, 200);
  EXPECT_GT(shop.ask(0, 200), 60);
  ASSERT_TRUE(wait_until([&] { return first_errors(shop, "candidate") == 3; })) << shop.rollout();
  EXPECT_EQ(shop.state(), "holding") << shop.rollout();
}

TEST(RolloutCases, UsersWhomStableRescuesSeeNoErrorAndTheCandidateIsRolledBackForThem) {
  RolledOut shop(kHalf, {"retry: { retries: 1, budget: 100%, when: [connect, reset, 500], rescue_on_stable: true }"});
  shop.break_new();
  ASSERT_EQ(shop.tell("start").status, 200);
  int failed = 0;
  for (int user = 0; user < 400 && shop.state() != "rolled_back"; ++user) failed += shop.ask(user, user + 1);
  EXPECT_EQ(shop.state(), "rolled_back") << shop.rollout();
  EXPECT_EQ(failed, 0);
  EXPECT_GE(first_errors(shop, "candidate"), 5);
  EXPECT_EQ(first_errors(shop, "stable"), 0);
}

}  // namespace
}  // namespace weir::testing
