#include "routing/balance.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace weir::routing {
namespace {

using config::Balance;

std::vector<int> picks(Balance balance, const std::vector<uint32_t>& loads, int times) {
  std::mt19937_64 dice(7);
  uint32_t turn = 0;
  std::vector<int> counts(loads.size());
  for (int i = 0; i < times; ++i) ++counts.at(pick(balance, loads, dice(), turn));
  return counts;
}

TEST(RoundRobin, GivesEachItsTurn) {
  EXPECT_EQ(picks(Balance::round_robin, {9, 0, 5}, 30), (std::vector<int>{10, 10, 10}));
}

TEST(RoundRobin, AnUnusableEndpointLeavesItsPartToAll) {
  EXPECT_EQ(picks(Balance::round_robin, {0, kUnusable, 0, 0}, 30), (std::vector<int>{10, 0, 10, 10}));
}

TEST(LeastRequests, NeverTakesTheMostLoadedOfThree) {
  const auto counts = picks(Balance::least_requests, {1, 2, 3}, 3000);
  EXPECT_EQ(counts[2], 0);
  EXPECT_NEAR(counts[0], 2000, 150) << "it is in two of three pairs and wins both";
}

TEST(LeastRequests, EqualLoadsAreSharedEvenlyAroundAnUnusableOne) {
  const auto counts = picks(Balance::least_requests, {4, kUnusable, 4, 4, 4}, 40'000);
  EXPECT_EQ(counts[1], 0);
  for (const size_t i : {0, 2, 3, 4}) EXPECT_NEAR(counts[i], 10'000, 500);
}

TEST(LeastRequests, TheLessLoadedOfTwoAlwaysWins) {
  EXPECT_EQ(picks(Balance::least_requests, {3, 1}, 100), (std::vector<int>{0, 100}));
  EXPECT_EQ(picks(Balance::least_requests, {kUnusable, 7, kUnusable}, 100), (std::vector<int>{0, 100, 0}));
}

TEST(Balance, NobodyUsableIsNoEndpoint) {
  uint32_t turn = 0;
  for (const Balance balance : {Balance::least_requests, Balance::round_robin}) {
    EXPECT_EQ(pick(balance, {}, 1, turn), kNoEndpoint);
    const std::vector<uint32_t> loads{kUnusable, kUnusable};
    EXPECT_EQ(pick(balance, loads, 1, turn), kNoEndpoint);
  }
}

std::vector<int> weighted_picks(Balance balance, const std::vector<uint32_t>& loads, const std::vector<double>& weights,
                                int times) {
  std::mt19937_64 dice(7);
  uint32_t turn = 0;
  std::vector<int> counts(loads.size());
  for (int i = 0; i < times; ++i)
    ++counts.at(pick_weighted(
        balance, loads, weights, [&] { return dice(); }, turn));
  return counts;
}

TEST(Weighted, AnEndpointThatWarmsUpGetsAsMuchOfItsPartAsItsWeight) {
  for (const Balance balance : {Balance::least_requests, Balance::round_robin}) {
    const auto counts = weighted_picks(balance, {0, 0, 0, 0}, {1, 1, 0.1, 1}, 40'000);
    EXPECT_NEAR(counts[2], 1'000, 200);
    for (const size_t i : {0, 1, 3}) EXPECT_NEAR(counts[i], 13'000, 700);
  }
}

TEST(Weighted, WhereAllWarmUpSomebodyServes) {
  const auto counts = weighted_picks(Balance::least_requests, {0, 0}, {0.1, 0.1}, 1000);
  EXPECT_EQ(counts[0] + counts[1], 1000);
  EXPECT_EQ(weighted_picks(Balance::round_robin, {kUnusable, 3}, {1, 0.1}, 10), (std::vector<int>{0, 10}));
}

}  // namespace
}  // namespace weir::routing
