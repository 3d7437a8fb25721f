// What a good request costs where a rollout is judged: all that an exchange tells the judge, and of that the counting.
#include <benchmark/benchmark.h>

#include "proxy/evidence/audience.h"
#include "proxy/evidence/tally.h"
#include "proxy/exchange/witness.h"
#include "proxy/series_names.h"

namespace weir::evidence {
namespace {

using namespace std::chrono_literals;

constexpr Terms kTerms{.share = config::Share{100'000}, .slow = 50ms};

void BM_AGoodRequestIsCounted(benchmark::State& state) {
  Tally tally(1, kTerms, std::make_shared<Bell>());
  uint64_t user = 1;
  for (auto _ : state) {
    user = user * 6364136223846793005 + 1442695040888963407;
    const Side side = user >> 63 == 0 ? Side::kStable : Side::kCandidate;
    tally.answered(0, side, user >> 20, false, 3ms);
  }
}
BENCHMARK(BM_AGoodRequestIsCounted);

/// A user who errs again and again is told once.
void BM_ARepeatedErrorIsLeftOut(benchmark::State& state) {
  Tally tally(1, {.share = config::Share{100'000}}, std::make_shared<Bell>());
  for (auto _ : state) tally.bad(0, {.metric = Metric::errors, .user = 42, .candidate = true});
}
BENCHMARK(BM_ARepeatedErrorIsLeftOut);

/// A service with a split at 10%, as a worker serves it.
struct Served {
  Served() : registry(1, proxy::series_names()), worker(0, registry, log) {
    plan.has_candidate = true;
    plan.candidate = 1;
    plan.share = kTerms.share;
    site.rollout = std::make_shared<Tally>(1, kTerms, std::make_shared<Bell>());
    site.audience = std::make_shared<Audience>(1);
    view.plan = &plan;
    view.site = &site;
    client.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7};
  }
  /// Everything that Record tells of a request, in its order; the response's head comes after 3 ms.
  void ask(uint64_t user, net::Nanos at) {
    routing::Decision decision;
    decision.user = user >> 20;
    decision.bucket = routing::Bucket{static_cast<uint32_t>(user % 1'000'000)};
    decision.version = user % 10 == 0 ? 1 : 0;
    proxy::Witness witness(worker);
    witness.decided(view, decision, client);
    if (site.audience) site.audience->saw(0, decision.user);
    witness.request_sent(at);
    witness.response_head(200, 3ms);
    witness.ended(false);
    benchmark::DoNotOptimize(witness);
  }

  metrics::Registry registry;
  log::AccessLog log;
  proxy::Worker worker;
  routing::ServicePlan plan;
  proxy::ServiceSite site;
  proxy::ServiceView view;
  config::IpAddress client;
};

void ask_on(benchmark::State& state, Served& served) {
  net::Nanos at = net::monotonic();
  uint64_t user = 1;
  for (auto _ : state) {
    user = user * 6364136223846793005 + 1442695040888963407;
    served.ask(user, at += 20us);
  }
}

void BM_AGoodRequestWhereARolloutIsJudged(benchmark::State& state) {
  Served served;
  ask_on(state, served);
}
BENCHMARK(BM_AGoodRequestWhereARolloutIsJudged);

void BM_AGoodRequestWhereNoneIs(benchmark::State& state) {
  Served served;
  served.site.rollout.reset();
  served.site.audience.reset();
  ask_on(state, served);
}
BENCHMARK(BM_AGoodRequestWhereNoneIs);

}  // namespace
}  // namespace weir::evidence
