// ./dev judge: thousands of whole rollouts with the real controller, beside two gates as others build them.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "bench/judge/summary.h"
#include "bench/judge/worlds.h"
#include "routing/rollout/bounds.h"

namespace weir::judge {
namespace {

struct NamedGate {
  const char* name;
  MakeGate make;
};
using Gates = std::vector<NamedGate>;
const Gates kAllGates{{"weir", weir_gate}, {"99% a minute", threshold_gate}, {"z-test", z_test_gate}};
const Gates kWeirAlone{{"weir", weir_gate}};
constexpr double kHours = 8;
constexpr uint64_t kSeed = 20261123;

/// Over two threads; each run has its own seed, so that they change nothing.
Tally many(const World& world, MakeGate make, uint64_t runs) {
  Tally first, second;
  std::thread other([&] { second = simulate_many(world, make, runs / 2, kHours, kSeed + 1'000'000); });
  first = simulate_many(world, make, runs - runs / 2, kHours, kSeed);
  other.join();
  first.add(second);
  return first;
}

void print_row(const char* gate, const std::string& world, const Tally& tally) {
  fmt::print("| {} | {} | {} | {} ({:.2f}%, at most {:.2f}%) | {:.2f}% | {:.1f}% | {} |\n", world, gate, tally.runs,
             tally.rolled_back, percent(tally.rolled_back, tally.runs),
             100 * routing::rollout::upper_bound_of_part(tally.rolled_back, tally.runs, 0.05),
             percent(tally.paused, tally.runs), percent(tally.everybody, tally.runs), median(tally.minutes));
}

void print_rollbacks(const char* title, const std::vector<World>& worlds, const Gates& gates, uint64_t runs,
                     Results& results) {
  fmt::print(
      "\n{}\n\n| world | gate | rollouts | rolled back (upper bound, 95%) | paused | at 100% in {} h | minutes |\n"
      "|---|---|---|---|---|---|---|\n",
      title, kHours);
  for (const NamedGate& gate : gates) {
    Tally all;
    for (const World& world : worlds) {
      const Tally tally = many(world, gate.make, runs);
      print_row(gate.name, world.name, tally);
      std::fflush(stdout);
      results[world.name].push_back(tally);
      all.add(tally);
    }
    print_row(gate.name, "**all**", all);
    results[title].push_back(all);
  }
}

void print_harm(const Gates& gates, uint64_t runs, Results& results) {
  fmt::print(
      "\nThe candidate errs more often (0.5% of requests err on the stable version)\n\n"
      "| ratio, traffic | gate | rollouts | rolled back | paused | at 100% | caught by 25%, of those where 200 "
      "users erred | users harmed, median |\n|---|---|---|---|---|---|---|---|\n");
  for (const double rate : {10.0, 100.0}) {
    for (const double ratio : {1.5, 2.0, 5.0, 20.0, 200.0}) {
      const World world = harmful_world(ratio, rate);
      for (const NamedGate& gate : gates) {
        const Tally tally = many(world, gate.make, runs);
        fmt::print("| {} | {} | {} | {:.1f}% | {:.1f}% | {:.1f}% | {} of {} ({:.1f}%) | {} |\n", world.name, gate.name,
                   tally.runs, percent(tally.rolled_back, tally.runs), percent(tally.paused, tally.runs),
                   percent(tally.everybody, tally.runs), tally.caught_by_25, tally.judged_at_25,
                   percent(tally.caught_by_25, tally.judged_at_25), median(tally.harmed));
        std::fflush(stdout);
        results[world.name].push_back(tally);
      }
    }
  }
}

/// What README.md shows of all this.
bool write_summary(const char* file, const std::string& text) {
  std::FILE* const out = std::fopen(file, "w");
  if (out == nullptr) return false;
  const bool written = std::fputs(text.c_str(), out) >= 0;
  return std::fclose(out) == 0 && written;
}

}  // namespace
}  // namespace weir::judge

int main(int argc, char** argv) {
  using namespace weir::judge;
  const char* file = nullptr;
  if (argc > 2 && std::string_view(argv[1]) == "--summary") {
    file = argv[2];
    argv += 2;
    argc -= 2;
  }
  const bool alone = argc > 1 && std::string_view(argv[1]) == "weir";
  const char* const number = argc > 1 + alone ? argv[1 + alone] : "300";
  const uint64_t runs = std::strtoull(number, nullptr, 10);
  if (runs == 0 || argc > 2 + alone) {
    fmt::print(stderr,
               "usage: judge [--summary FILE] [weir] [ROLLOUTS PER WORLD, 300]\nweir: without the gates beside it\n");
    return 2;
  }
  const Gates& gates = alone ? kWeirAlone : kAllGates;
  Results results;
  print_rollbacks(kHealthy, healthy_worlds(), gates, runs, results);
  print_rollbacks(kBarelyHarmful, barely_harmful_worlds(), gates, runs, results);
  print_harm(gates, std::max<uint64_t>(1, runs / 6), results);
  if (alone || file == nullptr || write_summary(file, summary(results, runs))) return 0;
  fmt::print(stderr, "judge: {} cannot be written\n", file);
  return 1;
}
