// A small run of what ./dev judge prints at length.
#include <gtest/gtest.h>

#include "bench/judge/simulate.h"
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

}  // namespace
}  // namespace weir::judge
