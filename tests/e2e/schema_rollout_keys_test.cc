// The keys of a service's rollout, and where a change of each is seen: in the plan as the API shows it.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <filesystem>

#include "tests/e2e/schema_walk.h"

namespace weir::testing {
namespace {

std::string plan_of(Stage& stage) {
  const boost::json::value rollout = boost::json::parse(stage.weir->admin_get("/api/v1/services/shop/rollout").body);
  return boost::json::serialize(boost::json::array{rollout.at("plan"), rollout.at("freeze"), rollout.at("hooks")});
}

std::string rate(int user, const std::string& path) {
  const std::string body = R"({"rating":3,"comment":"one of them that takes some room"})";
  return fmt::format("POST {} HTTP/1.1\r\nHost: shop.example\r\nCookie: uid=user-{}\r\nContent-Length: {}\r\n\r\n{}",
                     path, user, body.size(), body);
}

ConfigText asking(const std::string& feedback) {
  return {.service = {"feedback: " + feedback,
                      "rollout: { stages: [50%], hold: 1h, judge: { metrics: [errors, feedback] } }"},
          .top = {"state: { directory: DIR/state }"}};
}

/// Is the same user's second rating taken too?
std::string rate_again(Stage& stage) {
  const auto taken = [&] { return stage.fetch(rate(1, "/.weir/feedback")).status == 202; };
  EXPECT_TRUE(taken());
  return wait_until(taken, Duration(500)) ? "again" : "once";
}

/// Which files ten ratings are kept in.
std::string rate_often(Stage& stage) {
  for (int user = 0; user < 10; ++user) stage.fetch(rate(user, "/.weir/feedback"));
  wait_until([&] { return stage.weir->metrics().sum("weir_feedback_total") == 10; });
  const bool put_aside = std::filesystem::exists(stage.directory / "state/feedback/shop.1.jsonl");
  return put_aside ? "two" : "one";
}

/// What the judge has heard when the API has listed a rating of 3.
std::string rate_and_look(Stage& stage) {
  const std::string start = R"({"command":"start"})";
  fetch(stage.weir->admin(),
        fmt::format("POST /api/v1/services/shop/rollout HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}",
                    start.size(), start),
        "POST");
  stage.fetch(rate(1, "/.weir/feedback"));
  wait_until([&] { return stage.weir->metrics().sum("weir_feedback_total") == 1; });
  const boost::json::value rollout = boost::json::parse(stage.weir->admin_get("/api/v1/services/shop/rollout").body);
  return boost::json::serialize(rollout.at("metrics").at("feedback").at("erred_first"));
}

/// A plan that names its candidate is refused once that is the stable version.
std::string reload_with_another_stable(Stage& stage) {
  const double before = stage.weir->metrics().sum("weir_config_reloads_total");
  ConfigText config = stage.weir->config();
  config.replaced.emplace_back("stable: old", "stable: new");
  write_file(stage.weir->file(), config.text());
  wait_until([&] { return stage.weir->metrics().sum("weir_config_reloads_total") > before; });
  return std::to_string(stage.weir->metrics().sum("weir_config_last_reload_successful"));
}

ConfigText with(const std::string& more, const std::string& stage = "share: 10%") {
  return {.service = {"rollout: { stages: [{ " + stage + " }]" + (more.empty() ? "" : ", " + more) + " }"}};
}

}  // namespace

std::vector<Key> rollout_keys() {
  const std::string base = "services[].rollout.";
  std::vector<Key> all{{base + "candidate", with(""), with("candidate: new"), reload_with_another_stable},
                       {base + "stages[].share", with("", "share: 10%"), with("", "share: 20%"), plan_of}};
  for (const auto& [key, first, second] :
       std::vector<std::array<std::string, 3>>{{"hold", "hold: 1m", "hold: 2m"},
                                               {"approve", "approve: true", "approve: false"},
                                               {"proof", "proof: required", "proof: harm_only"},
                                               {"no_return", "no_return: true", "no_return: false"}}) {
    all.push_back(
        {base + "stages[]." + key, with("", "share: 10%, " + first), with("", "share: 10%, " + second), plan_of});
  }
  for (const auto& [key, first, second] : std::vector<std::array<std::string, 3>>{
           {"hold", "hold: 1m", "hold: 2m"},
           {"min_users", "min_users: 10", "min_users: 20"},
           {"judge.metrics", "judge: { metrics: [errors] }", "judge: { metrics: [slow] }"},
           {"judge.fail", "judge: { fail: 0.001 }", "judge: { fail: 0.01 }"},
           {"judge.pass", "judge: { pass: 0.05 }", "judge: { pass: 0.1 }"},
           {"judge.margin", "judge: { margin: 1.5 }", "judge: { margin: 2 }"},
           {"judge.tolerance", "judge: { tolerance: 0.5% }", "judge: { tolerance: 1% }"},
           {"judge.limits.error_ratio", "judge: { limits: { error_ratio: 5% } }",
            "judge: { limits: { error_ratio: 6% } }"},
           {"judge.limits.p99", "judge: { limits: { p99: 1s } }", "judge: { limits: { p99: 2s } }"},
           {"judge.per_network", "judge: { per_network: 1 }", "judge: { per_network: 2 }"},
           {"if_failing", "if_failing: pause", "if_failing: step_back"},
           {"if_undecided", "if_undecided: extend", "if_undecided: approve"},
           {"soak", "soak: 1h", "soak: 2h"},
           {"warmup", "warmup: 1s", "warmup: 2s"},
           {"guards.freeze", R"(guards: { freeze: ["Fri 16:00-Mon 08:00 UTC"] })",
            R"(guards: { freeze: ["Fri 17:00-Mon 08:00 UTC"] })"},
           {"hooks[].on", "hooks: [{ url: http://a/, on: [stage] }]", "hooks: [{ url: http://a/, on: [fail] }]"},
           {"hooks[].url", "hooks: [{ url: http://a/ }]", "hooks: [{ url: http://b/ }]"},
           {"hooks[].timeout", "hooks: [{ url: http://a/, timeout: 1s }]", "hooks: [{ url: http://a/, timeout: 2s }]"},
           {"guards.max_step", "guards: { max_step: 5% }", "guards: { max_step: 6% }"}}) {
    all.push_back({base + key, with(first), with(second), plan_of});
  }
  const std::string feedback = "services[].feedback.";
  all.push_back({feedback + "path", asking("{}"), asking("{ path: /rate }"), answer_to(rate(1, "/rate"))});
  all.push_back({feedback + "bad", asking("{}"), asking("{ bad: 3 }"), rate_and_look});
  all.push_back({feedback + "every", asking("{}"), asking("{ every: 1ms }"), rate_again});
  all.push_back({feedback + "keep", asking("{}"), asking("{ keep: 1KiB }"), rate_often});
  return all;
}

}  // namespace weir::testing
