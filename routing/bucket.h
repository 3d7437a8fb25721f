// Cohort key -> bucket: public, and the same for ever (contract §2).
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::routing {

/// A user's place in a service's order of entry: 0 … 999999. The candidate ⇔ bucket < share.
enum class Bucket : uint32_t {};
inline constexpr uint32_t kBuckets = 1'000'000;

/// The salt's hash, computed once at compile time of a snapshot: XXH3_64bits(salt).
enum class Seed : uint64_t {};
Seed seed_of(std::string_view salt);

/// bucket = (XXH3_64bits_withSeed(key, seed) * 1000000) >> 64, a 128-bit product.
Bucket bucket_of(std::string_view key, Seed seed);

/// The hash that the bucket is made of: tells users apart where buckets do not.
uint64_t hash_of(std::string_view key, Seed seed);
Bucket bucket_of_hash(uint64_t hash);

}  // namespace weir::routing
