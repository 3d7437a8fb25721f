// Anchors of rules by hash, prefix, address block and expression set: which rules may match this request?
//
// Built once for a service, immutable, shared by all workers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "routing/condition.h"
#include "routing/prefix_table.h"
#include "routing/reading.h"
#include "routing/regex_set.h"
#include "routing/value_table.h"

namespace weir::routing {

/// A set of rule numbers that is walked in order. One per thread; keeps its memory.
class Candidates {
 public:
  static constexpr uint32_t kNobody = ~uint32_t{0};

  void begin(const std::vector<uint64_t>& with) { words_ = with; }
  void begin_empty(size_t words) { words_.assign(words, 0); }
  void add(uint32_t rule) { words_[rule / 64] |= uint64_t{1} << rule % 64; }

  /// The first candidate below `limit` for which `holds(rule)`; kNobody if there is none.
  template <class Holds>
  uint32_t first(uint32_t limit, Holds holds) const {
    for (uint32_t w = 0; w < words_.size() && w * 64 < limit; ++w) {
      for (uint64_t word = words_[w]; word != 0; word &= word - 1) {
        const uint32_t rule = w * 64 + static_cast<uint32_t>(__builtin_ctzll(word));
        if (rule >= limit) return kNobody;
        if (holds(rule)) return rule;
      }
    }
    return kNobody;
  }

 private:
  std::vector<uint64_t> words_;
};

class RuleIndex {
 public:
  /// `rules` have their conditions, `anchors` where each has its anchor (anchor.h); `subjects` is how many
  /// subjects were numbered.
  RuleIndex(const std::vector<std::vector<Condition>>& rules, const std::vector<uint32_t>& anchors, size_t subjects);

  /// Adds the rules whose anchor holds by what is cheap to look up, and those without an anchor.
  void collect(Reading& reading, Candidates& candidates) const;

  /// What costs more is asked only while it may still bring an earlier rule: in the order of their first rule.
  struct Costly {
    enum class Kind : uint8_t { region, subject_regex, path_regex } kind;
    uint32_t subject = kNoSubject;  // of subject_regex
    uint32_t first_rule = 0;        // the earliest that it can bring
    std::unique_ptr<RegexSet> set;  // null for region
    std::vector<uint32_t> lists;    // rules by the set's expressions
  };
  const std::vector<Costly>& costly() const { return costly_; }
  void collect(const Costly& costly, Reading& reading, Candidates& candidates) const;

 private:
  using Rules = std::vector<uint32_t>;
  static constexpr uint32_t kNone = ~uint32_t{0};
  struct BySubject {
    bool exact = false;
    uint32_t prefixes = kNone;  // index into prefixes_
    uint32_t present = kNone;   // index into lists_
  };
  class Builder;
  friend class Builder;

  void add_list(uint32_t list, Candidates& candidates) const {
    for (const uint32_t rule : lists_[list]) candidates.add(rule);
  }
  void collect_value(const Reading::Found& found, Candidates& candidates) const;
  void collect_expressions(const Costly& costly, std::string_view subject, Candidates& candidates) const;

  std::vector<uint64_t> always_;  // rules without an anchor, as bits
  std::vector<Rules> lists_;
  std::vector<BySubject> by_subject_;
  std::vector<PrefixTable> prefixes_;
  ValueTable values_, methods_, regions_;
  bool any_method_ = false;
  PrefixTable paths_;
  AddressTable addresses_;
  std::vector<Costly> costly_;
};

}  // namespace weir::routing
