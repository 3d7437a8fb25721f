// A small run of what ./dev judge prints at length.
#include <gtest/gtest.h>

#include "bench/judge/simulate.h"
#include "bench/judge/summary.h"
#include "bench/judge/worlds.h"

namespace weir::judge {
namespace {

constexpr uint64_t kSeed = 42;

TEST(Judge, LeavesHealthyCandidatesAlone) {
  Tally all;
  for (const World& world : healthy_worlds()) all.add(simulate_many(world, weir_gate, 20, 8, kSeed));
  EXPECT_LE(all.rolled_back, 1u) << "of " << all.runs;
}

TEST(Judge, GetsThereWhenNothingEverErrs) {
  const Tally tally = simulate_many(healthy_worlds().front(), weir_gate, 8, 8, kSeed);
  EXPECT_EQ(tally.everybody, tally.runs);
}

TEST(Judge, HoldsTwiceTheErrorsBackByAQuarter) {
  const Tally tally = simulate_many(harmful_world(2, 100), weir_gate, 40, 8, kSeed);
  ASSERT_GE(tally.judged_at_25, 30u);
  EXPECT_GE(tally.caught_by_25 * 100, tally.judged_at_25 * 92);  // 95%, and chance
}

TEST(Judge, TurnsAFarWorseOneBackEarly) {
  const Tally tally = simulate_many(harmful_world(200, 100), weir_gate, 10, 8, kSeed);
  EXPECT_EQ(tally.rolled_back, tally.runs);
  for (const double users : tally.harmed) EXPECT_LT(users, 100);
}

TEST(Judge, SumsUpWhatTheReadmeShows) {
  Results results;
  const Tally usual{.runs = 600, .rolled_back = 1, .paused = 600, .everybody = 300, .minutes = {44, 41, 50}};
  for (const World& world : healthy_worlds()) results[world.name] = {usual, Tally{.runs = 600}};
  for (const double rate : {10.0, 100.0}) {
    results[harmful_world(2, rate).name] = {{.runs = 100, .judged_at_25 = 90, .caught_by_25 = 88}, {.runs = 100}};
  }
  results[harmful_world(200, 100).name] = {{.runs = 100, .harmed = {3, 2, 9}}, {.runs = 100, .harmed = {160}}};
  results[kHealthy] = {{.runs = 5400, .rolled_back = 1}, {.runs = 5400, .rolled_back = 2056}};
  results[kBarelyHarmful] = {{.runs = 1800}, {.runs = 1800, .rolled_back = 274}};
  const std::string text = summary(results, 600);
  EXPECT_NE(text.find("`./dev judge 600` printed"), std::string::npos) << text;
  EXPECT_NE(text.find("rolled back of 5400 | 1 (0.019%, at most 0.088%) | 2056 (38%, at most 39%) |"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("rolled back of 1800 | 0 (0%, at most 0.17%) | 274 (15%, at most 17%) |"), std::string::npos)
      << text;
  EXPECT_NE(text.find(", 10 requests/s: turned back at 25% or before, of those where 200 users erred | 88 of 90 | – |"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("users harmed, median | 3 | 160 |"), std::string::npos) << text;
  EXPECT_NE(text.find("median minutes | 50%, 44 | none |"), std::string::npos) << text;
  EXPECT_NE(text.find("both versions fail together: paused | 100% | 0% |"), std::string::npos) << text;
}

}  // namespace
}  // namespace weir::judge
