#include "routing/value_table.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace weir::routing {
namespace {

uint64_t hash_of(uint32_t subject, std::string_view value) {
  return XXH3_64bits_withSeed(value.data(), value.size(), subject);
}

}  // namespace

size_t ValueTable::slot_of(uint64_t hash, uint32_t subject, std::string_view value) const {
  const size_t mask = slots_.size() - 1;
  for (size_t slot = hash & mask;; slot = (slot + 1) & mask) {
    if (slots_[slot].entry == kNobody) return slot;
    if (slots_[slot].hash != hash) continue;
    const Entry& entry = entries_[slots_[slot].entry];
    if (entry.subject == subject && entry.value == value) return slot;
  }
}

void ValueTable::grow() {
  slots_.assign(slots_.empty() ? 8 : slots_.size() * 2, Slot{});
  for (uint32_t i = 0; i < entries_.size(); ++i) {
    const uint64_t hash = hash_of(entries_[i].subject, entries_[i].value);
    slots_[slot_of(hash, entries_[i].subject, entries_[i].value)] = {hash, i};
  }
}

void ValueTable::add(uint32_t subject, std::string_view value, uint32_t number) {
  if ((entries_.size() + 1) * 2 > slots_.size()) grow();
  const uint64_t hash = hash_of(subject, value);
  slots_[slot_of(hash, subject, value)] = {hash, static_cast<uint32_t>(entries_.size())};
  entries_.push_back({subject, number, std::string(value)});
}

uint32_t ValueTable::find(uint32_t subject, std::string_view value) const {
  if (slots_.empty()) return kNobody;
  const uint32_t entry = slots_[slot_of(hash_of(subject, value), subject, value)].entry;
  return entry == kNobody ? kNobody : entries_[entry].number;
}

}  // namespace weir::routing
