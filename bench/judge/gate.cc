#include "bench/judge/gate.h"

#include <cmath>

namespace weir::judge {

namespace rollout = routing::rollout;
using namespace std::chrono_literals;

rollout::Plan plan() {
  rollout::Plan plan;
  plan.service = "shop";
  plan.stable = "old";
  plan.candidate = "new";
  for (const uint32_t share : {10'000U, 50'000U, 250'000U, 500'000U, 1'000'000U}) {
    plan.stages.push_back({config::Share{share}, 10min, false, share >= 50'000, false});
  }
  plan.min_users = 200;
  plan.judged = {true, true, false};
  plan.fail = 0.001;
  plan.pass = 0.05;
  plan.margin = 1.5;
  plan.tolerance = 0.005;
  plan.warmup = 30s;
  plan.soak = 24h;
  return plan;
}

namespace {

class WeirGate : public Gate {
 public:
  WeirGate() { rollout::start(plan_, state_); }

  void take(const Asked& asked) override {
    const auto side = asked.candidate ? rollout::kCandidate : rollout::kStable;
    state_.seen[side].insert(asked.user);
    ++seen_.since_last[side].requests;
    seen_.since_last[side].failed += asked.failed;
    good_ += asked.candidate && !asked.failed;
    if (asked.failed) note(rollout::Metric::errors, asked);
    if (asked.slow) note(rollout::Metric::slow, asked);
  }
  void tick() override { look(1s); }
  Now now() const override {
    switch (state_.phase) {
      case rollout::Phase::rolling_back:
        return Now::rolled_back;
      case rollout::Phase::paused:
        return Now::paused;
      case rollout::Phase::soaking:
      case rollout::Phase::done:
        return Now::everybody;
      default:
        return Now::climbing;
    }
  }
  double share() const override { return rollout::fraction(state_.share); }

 private:
  void note(rollout::Metric metric, const Asked& asked) {
    rollout::note(plan_, state_, {metric, asked.user, 0, asked.candidate, state_.share, good_});
    if (asked.candidate) look(0s);
  }
  void look(rollout::milliseconds passed) {
    rollout::judge(plan_, state_, seen_, passed);
    seen_.since_last = {};
  }

  rollout::Plan plan_ = plan();
  rollout::State state_;
  rollout::Observation seen_;
  uint64_t good_ = 0;
};

/// Climbs by the clock, and counts requests.
class CountingGate : public Gate {
 public:
  void take(const Asked& asked) override {
    Side& side = sides_[asked.candidate];
    ++side.requests;
    side.failed += asked.failed;
  }
  void tick() override {
    ++in_stage_;
    if (now_ != Now::climbing) return;
    if (refuses()) now_ = Now::rolled_back;
    if (now_ == Now::climbing && in_stage_ >= 600) advance();
  }
  Now now() const override { return now_; }
  double share() const override { return now_ == Now::rolled_back ? 0 : rollout::fraction(plan_.stages[stage_].share); }

 protected:
  struct Side {
    double requests = 0, failed = 0;
  };
  virtual bool refuses() = 0;
  void forget() { sides_[0] = sides_[1] = Side(); }

  Side sides_[2];  // stable, candidate
  int in_stage_ = 0;

 private:
  void advance() {
    in_stage_ = 0;
    forget();
    ++stage_;
    if (plan_.stages[stage_].share == config::kEverybody) now_ = Now::everybody;
  }

  const rollout::Plan plan_ = plan();
  size_t stage_ = 0;
  Now now_ = Now::climbing;
};

class ThresholdGate : public CountingGate {
  bool refuses() override {
    if (in_stage_ % 60 != 0) return false;
    const Side& candidate = sides_[1];
    failures_ += candidate.requests > 0 && candidate.failed / candidate.requests > 0.01;
    forget();
    return failures_ >= 5;
  }
  int failures_ = 0;
};

class ZTestGate : public CountingGate {
  bool refuses() override {
    if (in_stage_ % 10 != 0) return false;
    const auto& [stable, candidate] = sides_;
    if (stable.requests < 1 || candidate.requests < 1) return false;
    const double pooled = (stable.failed + candidate.failed) / (stable.requests + candidate.requests);
    const double spread = std::sqrt(pooled * (1 - pooled) * (1 / stable.requests + 1 / candidate.requests));
    const double apart = candidate.failed / candidate.requests - stable.failed / stable.requests;
    return spread > 0 && apart / spread > 3.09;
  }
};

}  // namespace

std::unique_ptr<Gate> weir_gate() { return std::make_unique<WeirGate>(); }
std::unique_ptr<Gate> threshold_gate() { return std::make_unique<ThresholdGate>(); }
std::unique_ptr<Gate> z_test_gate() { return std::make_unique<ZTestGate>(); }

}  // namespace weir::judge
