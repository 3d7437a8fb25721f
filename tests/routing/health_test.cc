#include "routing/health.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace weir::routing {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr HealthTime kStart = seconds(1000);

VersionHealth stable(size_t endpoints) { return {HealthRules{}, endpoints}; }
VersionHealth candidate(size_t endpoints) { return {HealthRules{.is_candidate = true}, endpoints}; }

void probe(VersionHealth& health, size_t endpoint, bool passed, int times = 1) {
  for (int i = 0; i < times; ++i) health.probed(endpoint, passed, kStart);
}

size_t used(const VersionHealth& health) {
  size_t count = 0;
  for (size_t i = 0; i < health.endpoints().size(); ++i) count += health.used(i);
  return count;
}

TEST(Probes, TakeAnEndpointOutAfterFallAndInAfterRise) {
  VersionHealth health = stable(2);
  probe(health, 0, true);
  probe(health, 0, false, 2);
  EXPECT_TRUE(health.used(0));
  probe(health, 0, false);
  EXPECT_FALSE(health.used(0));
  probe(health, 0, true);
  EXPECT_FALSE(health.used(0));
  probe(health, 0, true);
  EXPECT_TRUE(health.used(0));
}

TEST(Probes, MustFailInARow) {
  VersionHealth health = stable(2);
  probe(health, 0, true);
  for (int i = 0; i < 10; ++i) {
    probe(health, 0, false, 2);
    probe(health, 0, true);
  }
  EXPECT_TRUE(health.used(0));
}

TEST(Probes, TheFirstOneDecidesAlone) {
  VersionHealth health = stable(2);
  EXPECT_TRUE(health.used(0)) << "believed until it was asked";
  probe(health, 0, false);
  EXPECT_FALSE(health.used(0));
}

TEST(Panic, AStableVersionWhoseEveryProbeFailsIsUsedAllTheSame) {
  VersionHealth health = stable(3);
  for (size_t i = 0; i < 3; ++i) probe(health, i, false);
  EXPECT_TRUE(health.panics());
  EXPECT_TRUE(health.available());
  EXPECT_EQ(used(health), 3u);
  probe(health, 1, true, 2);
  EXPECT_FALSE(health.panics());
  EXPECT_EQ(used(health), 1u);
}

TEST(Panic, NobodyPanicsForACandidate) {
  VersionHealth health = candidate(2);
  for (size_t i = 0; i < 2; ++i) probe(health, i, false);
  EXPECT_FALSE(health.panics());
  EXPECT_FALSE(health.available());
}

TEST(Fallback, ACandidateReturnsNoSoonerThanThirtySecondsAfter) {
  VersionHealth health = candidate(1);
  health.probed(0, false, kStart);
  EXPECT_FALSE(health.available());
  health.probed(0, true, kStart + seconds(1));
  health.probed(0, true, kStart + seconds(2));
  health.pass_time(kStart + milliseconds(29'999));
  EXPECT_FALSE(health.available());
  EXPECT_TRUE(health.pass_time(kStart + seconds(30)));
  EXPECT_TRUE(health.available());
}

TEST(Fallback, ACandidateThatIsStillDownDoesNotReturn) {
  VersionHealth health = candidate(1);
  health.probed(0, false, kStart);
  health.pass_time(kStart + minutes(10));
  EXPECT_FALSE(health.available());
}

TEST(Fallback, AFlappingCandidateChangesNoMoreThanTwiceInThirtySeconds) {
  VersionHealth health = candidate(1);
  std::mt19937 dice(7);
  int changes = 0;
  HealthTime last_fall{0};
  bool was = true;
  for (HealthTime now = kStart; now < kStart + minutes(30); now += milliseconds(100)) {
    health.reached(0, dice() % 8 < 4, now);
    health.pass_time(now);
    if (health.available() == was) continue;
    was = health.available();
    ++changes;
    if (was) {
      EXPECT_GE(now - last_fall, seconds(30));
    } else {
      last_fall = now;
    }
  }
  EXPECT_GT(changes, 20);
  EXPECT_LE(changes, 2 * 30 * 2 + 2);
}

TEST(Fallback, ACandidateWhoseOnlyEndpointRefusesIsWithoutOne) {
  VersionHealth health = candidate(1);
  EXPECT_FALSE(health.eject(0, kStart)) << "never the only one";
  EXPECT_TRUE(health.available());
  health.reached(0, false, kStart);
  EXPECT_FALSE(health.available());
  health.reached(0, true, kStart + seconds(31));
  EXPECT_TRUE(health.available());
}

TEST(Fallback, OneEndpointThatCanBeReachedKeepsACandidate) {
  VersionHealth health = candidate(2);
  health.reached(0, false, kStart);
  EXPECT_TRUE(health.available());
  health.reached(1, false, kStart);
  EXPECT_FALSE(health.available());
}

TEST(Fallback, AChangeOfTheOperatorsIsNotWaitedFor) {
  VersionHealth health = candidate(1);
  health.reached(0, false, kStart);
  health.change(health.rules(), std::vector<EndpointHealth>(1), kStart + seconds(1));
  EXPECT_TRUE(health.available());
}

TEST(Ejection, LastsTwiceAsLongEachTimeUpToTheLongest) {
  VersionHealth health = stable(2);
  HealthTime now = kStart;
  for (const int takes : {10, 20, 40, 80, 160, 300, 300}) {
    const seconds lasts(takes);
    ASSERT_TRUE(health.eject(0, now));
    health.pass_time(now + lasts - milliseconds(1));
    EXPECT_FALSE(health.used(0)) << takes;
    now += lasts;
    health.pass_time(now);
    EXPECT_TRUE(health.used(0)) << takes;
  }
  EXPECT_EQ(health.endpoints()[0].ejections_ever, 7u);
}

TEST(Ejection, BeginsAnewForWhoStayedIn) {
  VersionHealth health = stable(2);
  HealthTime now = kStart;
  for (int i = 0; i < 3; ++i) {
    health.eject(0, now);
    now = health.endpoints()[0].ejected_until;
    health.pass_time(now);
  }
  now += seconds(40);
  health.eject(0, now);
  EXPECT_EQ(health.endpoints()[0].ejected_until, now + seconds(10));
}

/// Whatever happens: at most half are ejected, and somebody is used while anybody has an address.
TEST(Health, KeepsItsPromisesWhateverHappens) {
  std::mt19937 dice(11);
  for (int round = 0; round < 200; ++round) {
    const size_t size = 1 + dice() % 7;
    VersionHealth health(HealthRules{.is_candidate = dice() % 2 == 0}, size);
    HealthTime now = kStart;
    for (int step = 0; step < 300; ++step) {
      now += milliseconds(dice() % 3000);
      const size_t endpoint = dice() % size;
      const size_t healthy_before = static_cast<size_t>(std::count_if(
          health.endpoints().begin(), health.endpoints().end(), [](const auto& e) { return e.usable(); }));
      switch (dice() % 4) {
        case 0:
          health.probed(endpoint, dice() % 2 == 0, now);
          break;
        case 1:
          if (health.eject(endpoint, now)) {
            EXPECT_GE(healthy_before, 1u);
            EXPECT_GE(used(health), 1u);
          }
          break;
        case 2:
          health.reached(endpoint, dice() % 2 == 0, now);
          break;
        default:
          health.pass_time(now);
      }
      size_t ejected = 0;
      for (const auto& one : health.endpoints()) {
        ejected += one.ejected;
        if (one.ejected) EXPECT_LE(one.ejected_until - now, minutes(5));
      }
      ASSERT_LE(2 * ejected, size);
      ASSERT_GE(used(health), 1u);
      for (size_t i = 0; i < size; ++i) {
        ASSERT_GE(health.weight(i, now), 0.1);
        ASSERT_LE(health.weight(i, now), 1.0);
      }
      ASSERT_TRUE(health.available() || health.rules().is_candidate);
    }
  }
}

TEST(SlowStart, TheWeightOfOneThatCameBackGrows) {
  VersionHealth health(HealthRules{.slow_start = seconds(10)}, 2);
  EXPECT_EQ(health.weight(0, kStart), 1) << "nobody was away yet";
  health.eject(0, kStart);
  const HealthTime back = kStart + seconds(10);
  health.pass_time(back);
  EXPECT_DOUBLE_EQ(health.weight(0, back), 0.1);
  EXPECT_DOUBLE_EQ(health.weight(0, back + seconds(5)), 0.5);
  EXPECT_TRUE(health.warming(back + seconds(5)));
  EXPECT_EQ(health.weight(0, back + seconds(10)), 1);
  EXPECT_EQ(health.weight(1, back), 1);
  EXPECT_FALSE(health.warming(back + seconds(10)));
}

}  // namespace
}  // namespace weir::routing
