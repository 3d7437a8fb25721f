#include "routing/subjects.h"

#include <cstring>

#include "routing/ascii.h"

namespace weir::routing {
namespace {

uint64_t load(const char* from, size_t bytes) {
  uint64_t word = 0;
  std::memcpy(&word, from, bytes);
  return word;
}

/// Cheap and only as good as names need: its length, first, middle and last bytes, with the bit that tells
/// upper from lower case set, so that names which differ in case alone meet in one slot.
uint32_t hash_name(std::string_view name) {
  constexpr uint64_t kCaseBits = 0x2020202020202020;
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;
  const size_t size = name.size();
  uint64_t hash = size;
  if (size >= 8) {
    hash += (load(name.data(), 8) | kCaseBits) * kOdd;
    hash ^= (load(name.data() + (size - 8) / 2, 8) | kCaseBits) * 0xc2b2ae3d27d4eb4f;
    hash += (load(name.data() + size - 8, 8) | kCaseBits) * 0x165667b19e3779f9;
  } else if (size >= 4) {
    hash += ((load(name.data(), 4) << 32 | load(name.data() + size - 4, 4)) | kCaseBits) * kOdd;
  } else if (size > 0) {
    const uint64_t bytes =
        load(name.data(), 1) | load(name.data() + size / 2, 1) << 8 | load(name.data() + size - 1, 1) << 16;
    hash += (bytes | kCaseBits) * kOdd;
  }
  return static_cast<uint32_t>((hash ^ hash >> 29) * kOdd >> 32);
}

}  // namespace

bool NameTable::same(std::string_view a, std::string_view b) const {
  return a == b || (compare_ == Compare::without_case && equal_without_case(a, b));
}

size_t NameTable::slot_of(std::string_view name, uint32_t hash) const {
  const size_t mask = slots_.size() - 1;
  for (size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.index == kNoSubject) return at;
    if (slot.hash == hash && same(names_[slot.index].text, name)) return at;
  }
}

uint32_t NameTable::look_up(std::string_view name) const {
  const uint32_t index = slots_[slot_of(name, hash_name(name))].index;
  return index == kNoSubject ? kNoSubject : names_[index].number;
}

void NameTable::grow() {
  slots_.assign(slots_.empty() ? 16 : slots_.size() * 2, Slot{});
  for (uint32_t i = 0; i < names_.size(); ++i) {
    const uint32_t hash = hash_name(names_[i].text);
    slots_[slot_of(names_[i].text, hash)] = {hash, i};
  }
}

void NameTable::add(std::string_view name, uint32_t number) {
  if ((names_.size() + 1) * 4 > slots_.size()) grow();
  const uint32_t hash = hash_name(name);
  slots_[slot_of(name, hash)] = {hash, static_cast<uint32_t>(names_.size())};
  names_.push_back({std::string(name), number});
  lengths_ |= uint64_t{1} << (name.size() & 63);
}

NameTable& Subjects::table(SubjectKind kind) {
  if (kind == SubjectKind::header) return headers_;
  if (kind == SubjectKind::client_cert) return client_cert_;
  return kind == SubjectKind::cookie ? cookies_ : queries_;
}

uint32_t Subjects::add(SubjectKind kind, std::string_view name) {
  NameTable& names = table(kind);
  const uint32_t known = names.find(name);
  if (known != kNoSubject) return known;
  names.add(name, size_);
  return size_++;
}

}  // namespace weir::routing
