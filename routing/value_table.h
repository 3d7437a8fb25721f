// (subject, exact value) -> number, by hash.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::routing {

class ValueTable {
 public:
  static constexpr uint32_t kNobody = ~uint32_t{0};

  /// Adds a pair that is not in the table yet.
  void add(uint32_t subject, std::string_view value, uint32_t number);
  uint32_t find(uint32_t subject, std::string_view value) const;

 private:
  struct Slot {
    uint64_t hash = 0;
    uint32_t entry = kNobody;  // index into entries_
  };
  struct Entry {
    uint32_t subject;
    uint32_t number;
    std::string value;
  };
  size_t slot_of(uint64_t hash, uint32_t subject, std::string_view value) const;
  void grow();

  std::vector<Slot> slots_;  // a power of two, at most half full
  std::vector<Entry> entries_;
};

}  // namespace weir::routing
