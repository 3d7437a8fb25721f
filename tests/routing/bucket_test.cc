#include "routing/bucket.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "routing/split.h"

namespace weir::routing {
namespace {

uint32_t bucket(std::string_view salt, std::string_view key) {
  return static_cast<uint32_t>(bucket_of(key, seed_of(salt)));
}

// Contract §2: these numbers never change.
TEST(Bucket, IsWhatTheContractSaysForEver) {
  EXPECT_EQ(bucket("checkout-2026-11", "user-1"), 370301u);
  EXPECT_EQ(bucket("checkout-2026-11", "user-2"), 302051u);
  EXPECT_EQ(bucket("checkout-2026-11", "7f3a9c2e"), 66771u);
  EXPECT_EQ(bucket("checkout-2026-11", "alice@example.com"), 558258u);
  EXPECT_EQ(bucket("checkout-2026-11", "\xce\xa9"), 774528u);
  EXPECT_EQ(bucket("search", "user-1"), 939486u);
  EXPECT_EQ(bucket("search", "7f3a9c2e"), 7294u);
  EXPECT_EQ(bucket("search", "alice@example.com"), 715353u);
}

TEST(Bucket, StaysBelowAMillionForKeysOfEveryLength) {
  std::string key;
  for (int length = 0; length < 2000; ++length, key += static_cast<char>(length)) EXPECT_LT(bucket("s", key), kBuckets);
}

std::vector<uint32_t> buckets_of_users(std::string_view salt, int users) {
  const Seed seed = seed_of(salt);
  std::vector<uint32_t> buckets;
  for (int i = 0; i < users; ++i) {
    buckets.push_back(static_cast<uint32_t>(bucket_of("user-" + std::to_string(i), seed)));
  }
  return buckets;
}

/// Pearson's statistic of counts that should all be equal, as deviations from its mean (≈ normal).
double deviations(const std::vector<double>& counts, double expected) {
  double chi_square = 0;
  for (const double count : counts) chi_square += (count - expected) * (count - expected) / expected;
  const auto freedom = static_cast<double>(counts.size() - 1);
  return (chi_square - freedom) / std::sqrt(2 * freedom);
}

TEST(Bucket, AMillionUsersSpreadEvenly) {
  constexpr int kCells = 1000, kUsers = 1'000'000;
  std::vector<double> counts(kCells);
  for (const uint32_t b : buckets_of_users("shop-2026-11", kUsers)) ++counts[b / (kBuckets / kCells)];
  EXPECT_LT(std::abs(deviations(counts, kUsers / kCells)), 5);
}

TEST(Bucket, ServicesWithDifferentSaltsAreIndependent) {
  constexpr int kSide = 20, kUsers = 1'000'000;
  const auto shop = buckets_of_users("shop", kUsers), search = buckets_of_users("search", kUsers);
  std::vector<double> together(kSide * kSide);
  for (int i = 0; i < kUsers; ++i) {
    const uint32_t row = shop[static_cast<size_t>(i)] / (kBuckets / kSide);
    const uint32_t column = search[static_cast<size_t>(i)] / (kBuckets / kSide);
    ++together[row * kSide + column];
  }
  EXPECT_LT(std::abs(deviations(together, static_cast<double>(kUsers) / (kSide * kSide))), 5);
}

std::vector<uint32_t> candidates(uint32_t share) {
  std::vector<uint32_t> in;
  for (uint32_t b = 0; b < kBuckets; ++b) {
    if (in_candidate(Bucket{b}, config::Share{share})) in.push_back(b);
  }
  return in;
}

TEST(Split, AGrowingCandidateKeepsItsUsers) {
  const uint32_t shares[] = {0, 1, 100, 10'000, 100'000, 250'000, 500'000, 999'999, 1'000'000};
  for (size_t i = 1; i < std::size(shares); ++i) {
    const auto before = candidates(shares[i - 1]), after = candidates(shares[i]);
    EXPECT_TRUE(std::includes(after.begin(), after.end(), before.begin(), before.end()));
    EXPECT_EQ(after.size() - before.size(), shares[i] - shares[i - 1]) << "exactly the difference moves";
  }
}

TEST(Split, LoweringAShareMovesOutTheLastOnesIn) {
  const auto at_10 = candidates(100'000), at_25 = candidates(250'000);
  for (const uint32_t moved : std::vector<uint32_t>(at_25.begin() + static_cast<long>(at_10.size()), at_25.end())) {
    EXPECT_GE(moved, 100'000u);
  }
}

TEST(Split, NobodyIsNobodyAndEverybodyIsEverybody) {
  EXPECT_TRUE(candidates(0).empty());
  EXPECT_EQ(candidates(1'000'000).size(), kBuckets);
}

TEST(Split, DiceCoverEveryBucket) {
  EXPECT_EQ(bucket_of_dice(0), Bucket{0});
  EXPECT_EQ(bucket_of_dice(~uint64_t{0}), Bucket{999'999});
  EXPECT_EQ(bucket_of_dice(uint64_t{1} << 63), Bucket{500'000});
}

}  // namespace
}  // namespace weir::routing
