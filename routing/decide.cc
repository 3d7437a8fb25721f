#include "routing/decide.h"

#include "routing/finder.h"
#include "routing/match.h"
#include "routing/reading.h"
#include "routing/settle.h"

namespace weir::routing {
namespace {

void write_hex(uint64_t bits, char* out) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (int i = 0; i < 16; ++i) out[i] = kDigits[bits >> (60 - 4 * i) & 15];
}

}  // namespace

std::string_view decided_by_text(DecidedBy by) {
  switch (by) {
    case DecidedBy::rule:
      return "rule";
    case DecidedBy::split:
      return "split";
    case DecidedBy::without_key:
      return "without_key";
    case DecidedBy::override_:
      return "override";
    case DecidedBy::fallback:
      break;
  }
  return "fallback";
}

Identity make_identity(uint64_t high, uint64_t low) {
  Identity identity;
  write_hex(high, identity.hex.data());
  write_hex(low, identity.hex.data() + 16);
  return identity;
}

std::optional<uint32_t> find_service(const Snapshot& snapshot, const RequestView& request) {
  const auto found = snapshot.finder->find(request.host, request.path);
  return found ? std::optional<uint32_t>(found->service) : std::nullopt;
}

Decision decide(const ServicePlan& service, const RequestView& request, const Availability& available,
                const Chance& chance) {
  thread_local Reading reading;
  reading.read(*service.subjects, service.regions.get(), request);
  Decision decision;
  if (service.override_secret != nullptr) [[unlikely]]
    force(find_override(service, reading), decision);
  if (service.matcher != nullptr && decision.by != DecidedBy::override_) {
    decision.rule = service.matcher->first(reading);
    decision.oversized_subjects = service.matcher->oversized(reading, decision.rule);
  }
  settle(service, reading, available, chance, decision);
  return decision;
}

}  // namespace weir::routing
