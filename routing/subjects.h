// The header fields, cookies, query parameters and parts of client certificates that a service's rules and cohort keys
// look at, numbered.
//
// Filled while a snapshot is compiled, immutable afterwards, shared by all workers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::routing {

enum class SubjectKind : uint8_t { header, cookie, query, client_cert };

inline constexpr uint32_t kNoSubject = ~uint32_t{0};

/// Names -> numbers, by hash; most names that are not in it are told apart by their length alone.
class NameTable {
 public:
  enum class Compare { exact, without_case };
  explicit NameTable(Compare compare) : compare_(compare) {}

  void add(std::string_view name, uint32_t number);
  uint32_t find(std::string_view name) const {
    return (lengths_ >> (name.size() & 63) & 1) == 0 ? kNoSubject : look_up(name);
  }
  bool empty() const { return names_.empty(); }

 private:
  struct Name {
    std::string text;
    uint32_t number;
  };
  uint32_t look_up(std::string_view name) const;
  bool same(std::string_view a, std::string_view b) const;
  void grow();
  struct Slot {
    uint32_t hash = 0;
    uint32_t index = kNoSubject;  // into names_
  };
  size_t slot_of(std::string_view name, uint32_t hash) const;

  Compare compare_;
  uint64_t lengths_ = 0;  // bit n: there is a name of n bytes (modulo 64)
  std::vector<Name> names_;
  std::vector<Slot> slots_;  // a power of two, at most a quarter full
};

class Subjects {
 public:
  /// The number of this name; the same for the same name (header names without case).
  uint32_t add(SubjectKind kind, std::string_view name);

  size_t size() const { return size_; }
  const NameTable& headers() const { return headers_; }
  const NameTable& cookies() const { return cookies_; }
  const NameTable& queries() const { return queries_; }
  const NameTable& client_cert() const { return client_cert_; }

 private:
  NameTable& table(SubjectKind kind);

  NameTable headers_{NameTable::Compare::without_case};
  NameTable cookies_{NameTable::Compare::exact};
  NameTable queries_{NameTable::Compare::exact};
  NameTable client_cert_{NameTable::Compare::exact};
  uint32_t size_ = 0;
};

}  // namespace weir::routing
