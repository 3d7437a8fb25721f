// A weir that is killed in the middle of a rollout's step: between keeping it, publishing it, and keeping that.
#include <algorithm>
#include <filesystem>

#include "tests/e2e/rolled_out.h"

namespace weir::testing {
namespace {

namespace json = boost::json;

class Killed : public RolledOut {
 public:
  explicit Killed(const std::string& rollout) : RolledOut(rollout) { live_again(); }

  /// Of what it is asked from here on it dies right after the `changes`-th change of what outlives it.
  void kill_after(int changes) { left_ = changes; }
  void live_again() {
    spare();
    const ProgramOptions options{.environment = {{"LD_PRELOAD", build_directory() + "/tests/killed_after.so"},
                                                 {"WEIR_KILLED_AFTER", file_},
                                                 {"ASAN_OPTIONS", "verify_asan_link_order=0"}}};
    restart_with(weir->config(), SIGKILL, options);
  }
  /// False: it died of being told so.
  bool survives(const std::string& command) {
    write_file(file_, std::to_string(left_));
    const bool answered =
        asked(weir->admin(), request("POST", "/api/v1/services/shop/rollout",
                                     fmt::format(R"({{"command":"{}"}})", command), "Connection: close\r\n"));
    const bool alive = answered && weir->program().running();
    if (!alive) {
      EXPECT_TRUE(weir->program().wait()) << command << " was not answered, and it lives";
    }
    left_ = std::atoi(read_file(file_).c_str());
    spare();
    return alive;
  }
  /// Users come until it is dead; false: that many did, and it lives.
  bool dies_of_users(int users) {
    write_file(file_, std::to_string(left_));
    for (int user = 0; user < users && weir->program().running(); ++user) {
      asked(weir->edge(), get("/", "shop.example", fmt::format("Cookie: uid=user-{}\r\nConnection: close\r\n", user)));
    }
    return wait_until([&] { return !weir->program().running(); });
  }
  int erred() { return rollout().at("metrics").at("errors").at("erred_first").at("candidate").to_number<int>(); }
  /// What the rollout's history has had since its last start.
  std::vector<std::string> steps() {
    std::vector<std::string> all;
    const json::object now = rollout();
    for (const json::value& step : now.at("history").as_array()) {
      if (step.at("what").as_string() == "start") all.clear();
      all.emplace_back(step.at("what").as_string());
    }
    return all;
  }
  /// The candidate's shares after each change since a revision, in their order.
  std::vector<std::string> shares_since(int64_t revision) {
    std::vector<std::string> all;
    for (const json::value& change : history()) {
      if (change.at("revision").to_number<int64_t>() > revision)
        all.emplace_back(change.at("after").at("new").as_string());
    }
    std::ranges::reverse(all);
    return all;
  }

 private:
  static bool asked(const std::string& address, const std::string& request) {
    Client client(address);
    return client.connected() && client.send(request) && client.receive_all().starts_with("HTTP/1.1 ");
  }
  void spare() { std::filesystem::remove(file_); }

  Directory directory_;
  const std::string file_ = directory_ / "changes";
  int left_ = 0;
};

/// What an operator says, and where the rollout is then.
struct Said {
  const char* command;
  const char* state;
  const char* share;
};
constexpr std::array kSaid{Said{"start", "holding", "20%"}, Said{"skip", "holding", "50%"},
                           Said{"pause", "paused", "50%"},  Said{"resume", "holding", "50%"},
                           Said{"skip", "soaking", "100%"}, Said{"abort", "aborted", "0%"}};

bool is_at(Killed& shop, const Said& said) { return shop.state() == said.state && shop.share() == said.share; }

TEST(RolloutKills, InsideAnyStepAreSurvivedWithTheStepAndTheEvidence) {
  Killed shop("{ stages: [20%, 50%, 100%], hold: 1h, soak: 1h, warmup: 0s, judge: { metrics: [errors] } }");
  shop.break_new();
  int kills = 0, undone = 0;
  Said before{"", "draft", "0%"};
  for (bool killed = true; killed && kills < 60;) {
    const int64_t revision = shop.revision();
    killed = false;
    shop.kill_after(kills + 1);
    for (const Said& said : kSaid) {
      const std::string step = fmt::format("{}, killed after {} changes: ", said.command, kills + 1);
      if (killed) {
        ASSERT_EQ(shop.tell(said.command).status, 200) << step;
      } else if (!shop.survives(said.command)) {
        killed = true;
        shop.live_again();
        // What is kept every few seconds may have been the last thing before it.
        const bool not_begun = is_at(shop, before);
        undone += not_begun;
        if (not_begun) ASSERT_EQ(shop.tell(said.command).status, 200) << step;
      }
      ASSERT_TRUE(is_at(shop, said)) << step << shop.rollout() << shop.split();
      const bool first = std::string_view(said.command) == "start";
      for (int user = 0; first && shop.erred() < 3 && user < 200; ++user) shop.ask(user, user + 1);
      ASSERT_EQ(shop.erred(), 3) << step << shop.rollout();
      before = said;
    }
    EXPECT_EQ(shop.steps(), (std::vector<std::string>{"start", "stage", "pause", "resume", "soak", "abort"}));
    EXPECT_EQ(shop.shares_since(revision), (std::vector<std::string>{"20%", "50%", "100%", "0%"}));
    kills += killed;
  }
  // A step with a share is kept, published, and kept again; one without is kept.
  EXPECT_GE(kills, 14);
  EXPECT_LT(kills, 60);
  EXPECT_LE(undone, kills / 4);
}

TEST(RolloutKills, InsideARollbackLeaveItRolledBackAndSayWhy) {
  Killed shop("{ stages: [50%, 100%], hold: 1h, warmup: 0s, judge: { metrics: [errors] } }");
  shop.break_new();
  for (int changes = 1; changes <= 2; ++changes) {
    const int64_t revision = shop.revision();
    ASSERT_EQ(shop.tell("start").status, 200);
    do {
      shop.kill_after(changes);
      ASSERT_TRUE(shop.dies_of_users(400)) << shop.rollout();
      shop.live_again();
    } while (is_at(shop, {"", "holding", "50%"}));  // what is kept every few seconds came before
    EXPECT_EQ(shop.state(), "rolled_back") << shop.rollout();
    EXPECT_NE(shop.why().find("users erred first on the candidate"), std::string::npos) << shop.why();
    EXPECT_EQ(shop.share(), "0%");
    EXPECT_TRUE(shop.split().at("closed").as_bool());
    EXPECT_EQ(shop.steps(), (std::vector<std::string>{"start", "rollback"}));
    EXPECT_EQ(shop.shares_since(revision), (std::vector<std::string>{"50%", "0%"}));
    EXPECT_EQ(shop.ask(0, 100), 0);
    EXPECT_EQ(shop.tell("start").status, 409);
    ASSERT_EQ(shop.post("reopen").status, 200);
  }
}

}  // namespace
}  // namespace weir::testing
