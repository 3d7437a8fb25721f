// RequestView + Snapshot -> Decision. Pure; the heart of weir.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "routing/bucket.h"
#include "routing/request_view.h"
#include "routing/snapshot.h"

namespace weir::routing {

/// Why a version was chosen; the label `decided_by` of contract §6.
enum class DecidedBy : uint8_t { rule, split, without_key, override_, fallback };
inline constexpr size_t kDecidedByCount = 5;
std::string_view decided_by_text(DecidedBy by);

inline constexpr uint32_t kNone = ~uint32_t{0};

/// Which of a service's versions has an endpoint that can be used now, by version index. An
/// argument, as health is a measurement.
struct Availability {
  std::array<bool, 2> up{true, true};
};

/// 128 random bits in hex: the value of a minted identity cookie.
struct Identity {
  std::array<char, 32> hex{};
  std::string_view text() const { return {hex.data(), hex.size()}; }
};
Identity make_identity(uint64_t high, uint64_t low);

/// Chance as an argument: `dice` decides `without_key: random`; `identity` is used if one is minted.
struct Chance {
  uint64_t dice = 0;
  uint64_t identity_high = 0, identity_low = 0;
};

struct Decision {
  uint32_t version = 0;          // index into the service's versions
  uint32_t rule = kNone;         // index of the rule that matched
  std::optional<Bucket> bucket;  // where a cohort key (or its substitute) was used
  uint64_t user = 0;             // with a bucket: the hash that it is made of
  DecidedBy by = DecidedBy::split;
  bool mint = false;                // set the identity cookie in the answer
  uint32_t key = kNone;             // index of the cohort key used; keys.size(): the minted cookie
  uint16_t oversized_subjects = 0;  // regular expressions skipped for a subject over 1 KiB
  Identity identity;                // valid if mint
};

/// The service that answers for this host and path: the most specific match over all services;
/// nothing when none does. Host before path: where the most specific host has no match for the path, the
/// less specific ones are asked. No allocation once a thread is warm.
std::optional<uint32_t> find_service(const Snapshot& snapshot, const RequestView& request);

/// Decides for one request of `service`. No allocation once a thread is warm.
/// Precedence (contract §3): a signed override; rule's `send`, rule's split, service's split; then availability: a
/// candidate without an endpoint falls back to the stable version.
Decision decide(const ServicePlan& service, const RequestView& request, const Availability& available,
                const Chance& chance);

}  // namespace weir::routing
