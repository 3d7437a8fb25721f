#include "routing/bucket.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace weir::routing {

Seed seed_of(std::string_view salt) { return Seed{XXH3_64bits(salt.data(), salt.size())}; }

uint64_t hash_of(std::string_view key, Seed seed) {
  return XXH3_64bits_withSeed(key.data(), key.size(), static_cast<uint64_t>(seed));
}

Bucket bucket_of(std::string_view key, Seed seed) { return bucket_of_hash(hash_of(key, seed)); }

Bucket bucket_of_hash(uint64_t hash) {
  __extension__ using Product = unsigned __int128;
  return Bucket{static_cast<uint32_t>((Product{hash} * kBuckets) >> 64)};
}

}  // namespace weir::routing
