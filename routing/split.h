// Bucket or dice -> candidate or stable. The whole of a split.
#pragma once

#include <cstdint>

#include "config/config.h"
#include "routing/bucket.h"

namespace weir::routing {

/// The law of contract §2: a share only ever grows or shrinks at its end, so nobody else moves.
constexpr bool in_candidate(Bucket bucket, config::Share share) {
  return static_cast<uint32_t>(bucket) < static_cast<uint32_t>(share);
}

/// The bucket of one request that is not sticky: 64 random bits spread over all buckets.
constexpr Bucket bucket_of_dice(uint64_t dice) {
  __extension__ using Product = unsigned __int128;
  return Bucket{static_cast<uint32_t>((Product{dice} * kBuckets) >> 64)};
}

}  // namespace weir::routing
