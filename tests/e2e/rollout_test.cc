// A share that climbs by itself: through the program, its admin API and its command line.
#include "tests/e2e/rolled_out.h"

namespace weir::testing {
namespace {

namespace json = boost::json;

constexpr const char* kQuick =
    "{ stages: [{ share: 20%, proof: harm_only }, { share: 60%, proof: harm_only }, 100%], hold: 400ms, min_users: 20, "
    "soak: 300ms, warmup: 0s, judge: { metrics: [errors] } }";
constexpr const char* kHalf = "{ stages: [50%, 100%], hold: 1h, warmup: 0s, judge: { metrics: [errors] } }";

TEST(Rollout, ClimbsToEverybodyWhileNothingIsWrongAndTellsEachStep) {
  RolledOut shop(kQuick);
  EXPECT_EQ(shop.state(), "draft");
  EXPECT_EQ(shop.share(), "0%");
  const Crowd crowd(shop.weir->edge(), 300);
  ASSERT_EQ(shop.tell("start").status, 200);
  ASSERT_TRUE(shop.reaches("done")) << shop.why();
  EXPECT_EQ(shop.share(), "100%");
  std::vector<std::string> shares;
  const json::array changes = shop.history();
  for (const json::value& change : changes) {
    EXPECT_EQ(change.at("by").as_string(), "rollout");
    shares.emplace_back(change.at("after").at("new").as_string());
  }
  EXPECT_EQ(shares, (std::vector<std::string>{"100%", "60%", "20%"}));
  EXPECT_GE(shop.weir->metrics().sum("weir_rollout_transitions_total", {{"service", "shop"}}), 4);
  EXPECT_EQ(shop.weir->metrics().sum("weir_rollout_state", {{"service", "shop"}, {"state", "done"}}), 1);
}

TEST(Rollout, ABrokenCandidateIsRolledBackAfterAHandfulOfUsers) {
  RolledOut shop(kHalf);
  shop.break_new();
  ASSERT_EQ(shop.tell("start").status, 200);
  int failed = 0;
  for (int user = 0; user < 400 && shop.state() != "rolled_back"; ++user) failed += shop.ask(user, user + 1);
  EXPECT_EQ(shop.state(), "rolled_back");
  EXPECT_LE(failed, 40);
  EXPECT_TRUE(shop.split().at("closed").as_bool());
  const json::object last = shop.history().at(0).as_object();
  EXPECT_EQ(last.at("kind").as_string(), "rollback");
  EXPECT_NE(std::string(last.at("reason").as_string()).find("errors"), std::string::npos) << last;
  EXPECT_EQ(shop.ask(0, 400), 0);
  EXPECT_EQ(shop.tell("start").status, 409);
}

TEST(Rollout, SaysHowSoonEachBadEventWasJudged) {
  RolledOut shop("{ stages: [50%, 100%], hold: 1h, warmup: 0s, judge: { metrics: [errors] } }");
  const auto broken = raw("HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n");
  shop.old_origin.answer(broken);
  shop.new_origin.answer(broken);
  ASSERT_EQ(shop.tell("start").status, 200);
  EXPECT_EQ(shop.ask(0, 50), 50);
  const auto judged = [&] { return shop.rollout().at("judged_after_seconds").as_object(); };
  ASSERT_TRUE(wait_until([&] { return judged().at("events").to_number<int>() == 50; })) << shop.rollout();
  const json::object after = judged();
  const double p50 = after.at("p50").to_number<double>(), p99 = after.at("p99").to_number<double>();
  EXPECT_GT(p50, 0);
  EXPECT_LE(p50, p99);
  EXPECT_LE(p99, after.at("max").to_number<double>());
  EXPECT_EQ(shop.weir->metrics().sum("weir_rollout_judged_after_seconds_count", {{"service", "shop"}}),
            after.at("events").to_number<double>());
  fmt::print("judged after: p50 {:.3f} ms, p99 {:.3f} ms\n", 1000 * p50, 1000 * p99);
}

TEST(Rollout, ACandidateThatRefusesConnectionsIsRolledBackToo) {
  RolledOut shop(kHalf);
  shop.new_origin.stop();
  ASSERT_EQ(shop.tell("start").status, 200);
  for (int user = 0; user < 400 && shop.state() != "rolled_back"; ++user) shop.ask(user, user + 1);
  EXPECT_EQ(shop.state(), "rolled_back");
}

TEST(Rollout, ACandidateThatHangsIsRolledBackBeforeAnythingTimesOut) {
  RolledOut shop("{ stages: [50%, 100%], hold: 1h, warmup: 0s }");
  EXPECT_EQ(shop.ask(0, 200), 0);  // what the stable version takes is known
  shop.new_origin.answer(never());
  ASSERT_EQ(shop.tell("start").status, 200);
  const auto waiting = shop.wait(60);
  EXPECT_TRUE(shop.reaches("rolled_back")) << shop.why();
}

TEST(Rollout, WithoutTrafficItWaitsAndSaysSo) {
  RolledOut shop(kQuick);
  ASSERT_EQ(shop.tell("start").status, 200);
  ASSERT_TRUE(shop.reaches("judging"));
  EXPECT_NE(shop.why().find("no user"), std::string::npos) << shop.why();
  EXPECT_EQ(shop.share(), "20%");
}

TEST(Rollout, AKilledWeirGoesOnWhereItWasWithItsEvidence) {
  RolledOut shop(kHalf);
  shop.new_origin.on("/bad", raw("HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n"));
  ASSERT_EQ(shop.tell("start").status, 200);
  const auto err = [&](int user) {
    Client client(shop.weir->edge());
    EXPECT_TRUE(client.send(get("/bad", "shop.example", fmt::format("Cookie: uid=user-{}\r\n", user))));
    client.receive("GET");
  };
  const auto erred = [&] {
    return shop.rollout().at("metrics").at("errors").at("erred_first").at("candidate").to_number<int>();
  };
  for (int user = 0; erred() < 5; ++user) err(user);
  ASSERT_EQ(shop.tell("pause").status, 200);  // a step, and so kept
  shop.restart();
  EXPECT_EQ(shop.state(), "paused");
  EXPECT_EQ(erred(), 5);
  EXPECT_EQ(shop.share(), "50%");
  EXPECT_EQ(shop.tell("resume").status, 200);
  for (int user = 100; user < 400 && shop.state() != "rolled_back"; ++user) err(user);
  EXPECT_EQ(shop.state(), "rolled_back");
}

TEST(Rollout, AShareChangedByHandPausesItAndItsEvidenceBeginsAnew) {
  RolledOut shop(kHalf);
  ASSERT_EQ(shop.tell("start").status, 200);
  ASSERT_EQ(shop.put("30%").status, 200);
  ASSERT_TRUE(shop.reaches("paused"));
  EXPECT_NE(shop.why().find("begins anew"), std::string::npos) << shop.why();
  EXPECT_EQ(shop.share(), "30%");
}

TEST(Rollout, ARollbackByHandEndsIt) {
  RolledOut shop(kHalf);
  ASSERT_EQ(shop.tell("start").status, 200);
  ASSERT_EQ(shop.post("rollback").status, 200);
  EXPECT_TRUE(shop.reaches("rolled_back"));
}

TEST(Rollout, PastAStageWithoutReturnARollbackMustBeForced) {
  RolledOut shop("{ stages: [{ share: 50%, no_return: true }, 100%], hold: 1h }");
  ASSERT_EQ(shop.tell("start").status, 200);
  EXPECT_EQ(shop.post("rollback").status, 409);
  EXPECT_EQ(shop.share(), "50%");
  EXPECT_EQ(shop.post("rollback", R"({"force":true})").status, 200);
  EXPECT_EQ(shop.share(), "0%");
}

TEST(Rollout, DoesWhatOperatorsSayWhereThatMakesSense) {
  RolledOut shop("{ stages: [10%, { share: 50%, approve: true }, 100%], hold: 1h }");
  for (const char* early : {"pause", "resume", "approve", "skip", "abort"})
    EXPECT_EQ(shop.tell(early).status, 409) << early;
  EXPECT_EQ(shop.tell("dance").status, 422);
  ASSERT_EQ(shop.tell("start").status, 200);
  EXPECT_EQ(shop.tell("start").status, 409);
  ASSERT_EQ(shop.tell("skip").status, 200);
  EXPECT_EQ(shop.share(), "50%");
  ASSERT_EQ(shop.tell("pause").status, 200);
  EXPECT_EQ(shop.state(), "paused");
  ASSERT_EQ(shop.tell("resume").status, 200);
  ASSERT_EQ(shop.tell("abort").status, 200);
  EXPECT_EQ(shop.share(), "0%");
  EXPECT_FALSE(shop.split().at("closed").as_bool());
  EXPECT_EQ(shop.tell("start").status, 200);
}

TEST(Rollout, AnotherPlanBeginsTheEvidenceAnew) {
  RolledOut shop(kHalf);
  ASSERT_EQ(shop.tell("start").status, 200);
  shop.plan("{ stages: [50%, 100%], hold: 2h }");
  ASSERT_TRUE(shop.reaches("paused"));
  EXPECT_NE(shop.why().find("plan was changed"), std::string::npos) << shop.why();
}

TEST(Rollout, TheCommandLineStartsItAndShowsIt) {
  RolledOut shop(kHalf);
  const auto weir = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--admin", shop.weir->admin()});
    return run(weir_program(), words);
  };
  const Finished started = weir({"rollout", "start", "shop", "--reason", "try it"});
  EXPECT_EQ(started.code, 0) << started.errors;
  EXPECT_NE(started.output.find("shop: holding at 50%, stage 1 of 2"), std::string::npos) << started.output;
  const Finished shown = weir({"rollout", "status", "shop"});
  EXPECT_EQ(shown.code, 0) << shown.errors;
  EXPECT_NE(shown.output.find("next: 100%"), std::string::npos) << shown.output;
  EXPECT_NE(shown.output.find("errors"), std::string::npos) << shown.output;
  EXPECT_EQ(weir({"rollout", "approve", "shop"}).code, 1);
  EXPECT_EQ(weir({"rollout", "status", "nobody"}).code, 1);
  EXPECT_EQ(weir({"rollout"}).code, 2);
}

TEST(Rollout, WatchingItInAPipeGivesALineForEachTurnUntilItHasEnded) {
  RolledOut shop(kHalf);
  ASSERT_EQ(shop.tell("start").status, 200);
  Program watching(weir_program(), {"rollout", "status", "shop", "--watch", "--admin", shop.weir->admin()});
  ASSERT_TRUE(watching.wait_for_text("shop: holding at 50%, stage 1 of 2\n"));
  ASSERT_EQ(shop.tell("pause").status, 200);
  ASSERT_TRUE(watching.wait_for_text("shop: paused at 50%, stage 1 of 2\n"));
  ASSERT_EQ(shop.tell("abort").status, 200);
  const auto end = watching.wait();
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->code, 0);
  EXPECT_EQ(
      watching.output(),
      "shop: holding at 50%, stage 1 of 2\nshop: paused at 50%, stage 1 of 2\nshop: aborted at 0%, stage 1 of 2\n");
}

}  // namespace
}  // namespace weir::testing
