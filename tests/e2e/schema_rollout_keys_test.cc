// The keys of a service's rollout, and where a change of each is seen: in the plan as the API shows it.
#include <boost/json.hpp>

#include "tests/e2e/schema_walk.h"

namespace weir::testing {
namespace {

std::string plan_of(Stage& stage) {
  const Response response = stage.weir->admin_get("/api/v1/services/shop/rollout");
  return boost::json::serialize(boost::json::parse(response.body).at("plan"));
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
           {"guards.max_step", "guards: { max_step: 5% }", "guards: { max_step: 6% }"}}) {
    all.push_back({base + key, with(first), with(second), plan_of});
  }
  return all;
}

}  // namespace weir::testing
