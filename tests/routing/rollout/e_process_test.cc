#include "routing/rollout/e_process.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace weir::routing::rollout {
namespace {

constexpr size_t kStages = 6;

/// How many users a dead candidate costs at this share, when it dies as the rollout reaches `stage`.
int users_until(double rho, size_t stage, double limit) {
  HarmEvidence evidence(kStages);
  for (size_t i = 0; i <= stage; ++i) evidence.begin_stage(i);
  int users = 0;
  while (evidence.log_e() < std::log(limit)) {
    evidence.add(true, rho);
    ++users;
  }
  return users;
}

TEST(HarmEvidence, ADeadCandidateCostsFewUsers) {
  EXPECT_EQ(users_until(0.001, 0, 1000), 2);
  EXPECT_EQ(users_until(0.01, 0, 1000), 3);
  EXPECT_EQ(users_until(0.1, 0, 1000), 4);
  EXPECT_EQ(users_until(0.5, 0, 1000), 13);
}

TEST(HarmEvidence, OneUserAloneNeverDecides) {
  HarmEvidence evidence(kStages);
  evidence.begin_stage(0);
  evidence.add(true, 0.001);
  EXPECT_LT(evidence.log_e(), std::log(1000));
}

TEST(HarmEvidence, NothingIsLearntWhereEverybodyIsOnTheCandidate) {
  HarmEvidence evidence(kStages);
  evidence.begin_stage(0);
  for (int i = 0; i < 1000; ++i) evidence.add(true, 1);
  EXPECT_NEAR(evidence.log_e(), 0, 1e-9);
}

/// What it means to be an e-process: expected to be 1 after the next event, whatever came before.
TEST(HarmEvidence, IsAFairBetWhileTheVersionsAreAlike) {
  for (const double rho : {0.001, 0.01, 0.1, 0.25, 0.5, 0.9}) {
    for (const int bad : {0, 1, 3, 10}) {
      HarmEvidence now(kStages);
      now.begin_stage(0);
      for (int i = 0; i < bad; ++i) now.add(i % 2 == 0, rho);
      HarmEvidence candidate = now, stable = now;
      candidate.add(true, rho);
      stable.add(false, rho);
      const double expected = rho * std::exp(candidate.log_e()) + (1 - rho) * std::exp(stable.log_e());
      EXPECT_NEAR(expected / std::exp(now.log_e()), 1, 1e-9) << rho << " after " << bad;
    }
  }
}

TEST(HarmEvidence, AlikeVersionsRarelyCrossTheLimitHoweverOftenOneLooks) {
  std::mt19937_64 dice(20261123);
  constexpr int kRuns = 4000;
  int alarms = 0;
  for (int run = 0; run < kRuns; ++run) {
    HarmEvidence evidence(4);
    double worst = 0;
    for (size_t stage = 0; stage < 4; ++stage) {
      const double rho = std::array{0.01, 0.05, 0.25, 0.5}[stage];
      evidence.begin_stage(stage);
      for (int i = 0; i < 60; ++i) {
        evidence.add(std::bernoulli_distribution(rho)(dice), rho);
        worst = std::max(worst, evidence.log_e());
      }
    }
    alarms += worst >= std::log(100);
  }
  EXPECT_LE(alarms, kRuns / 100 + 15);  // α = 1%, and chance
}

TEST(HarmEvidence, ALateFaultShowsPastAGoodHistory) {
  HarmEvidence with_copies(kStages), without(0);
  for (size_t stage = 0; stage < 4; ++stage) with_copies.begin_stage(stage);
  for (int i = 0; i < 400; ++i) {
    with_copies.add(false, 0.25);
    without.add(false, 0.25);
  }
  with_copies.begin_stage(4);
  int users = 0;
  while (with_copies.log_e() < std::log(1000) && users < 100) {
    with_copies.add(true, 0.5);
    without.add(true, 0.5);
    ++users;
  }
  EXPECT_LE(users, 18);
  EXPECT_LT(without.log_e(), 0);
}

TEST(HarmEvidence, ComesBackAsItWasKept) {
  HarmEvidence evidence(3);
  evidence.begin_stage(0);
  evidence.add(true, 0.1);
  evidence.begin_stage(1);
  evidence.add(false, 0.1);
  HarmEvidence again = HarmEvidence::of(evidence.values());
  EXPECT_EQ(again.values(), evidence.values());
  again.begin_stage(2);
  again.add(true, 0.1);
  EXPECT_GT(again.log_e(), evidence.log_e());
}

TEST(SafetyEvidence, IsAFairBetWhileTheCandidateIsJustAsBadAsTheMargin) {
  for (const double rho : {0.05, 0.25, 0.5}) {
    SafetyEvidence now, candidate, stable;
    candidate.add(true, rho, 1.5);
    stable.add(false, rho, 1.5);
    const double errs_next = rho * 1.5 / (1 - rho + rho * 1.5);
    const double expected = errs_next * std::exp(candidate.log_e()) + (1 - errs_next) * std::exp(stable.log_e());
    EXPECT_NEAR(expected, 1, 1e-9) << rho;
  }
}

TEST(SafetyEvidence, AnAlikeCandidateProvesItself) {
  SafetyEvidence evidence;
  for (int i = 0; i < 300; ++i) evidence.add(i % 2 == 0, 0.5, 1.5);
  EXPECT_GE(evidence.log_e(), std::log(20));
}

TEST(SafetyEvidence, OneThatIsAsBadAsTheMarginDoesNot) {
  SafetyEvidence evidence;
  for (int i = 0; i < 500; ++i) evidence.add(i % 5 < 3, 0.5, 1.5);  // three of five
  EXPECT_LT(evidence.log_e(), 0);
}

}  // namespace
}  // namespace weir::routing::rollout
