// The rules of one service: which is the first whose conditions all hold?
//
// 1,000 rules do not cost 1,000 comparisons: each rule is found by one of its conditions (anchor.h) through
// an index (rule_index.h), and only the few rules found are verified, in order. Compiled once, immutable,
// shared by all workers; a thread's Reading is its scratch.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "config/config.h"
#include "routing/condition.h"
#include "routing/rule_index.h"
#include "routing/snapshot.h"

namespace weir::routing {

class Matcher {
 public:
  static constexpr uint32_t kNoRule = ~uint32_t{0};

  /// Numbers what the rules look at in `subjects`. Problems are expressions that RE2 refuses.
  static config::Result<std::shared_ptr<const Matcher>> compile(const std::vector<config::Rule>& rules,
                                                                Subjects& subjects);

  /// The first rule that matches, or kNoRule.
  uint32_t first(Reading& reading) const;

  /// The first condition of `rule` that does not hold, or null if the rule matches. The plain way, without
  /// the index, for explain.
  const Condition* failing(uint32_t rule, Reading& reading) const;

  size_t size() const { return rules_.size(); }

  /// How many subjects over kLargestSubject regular expressions met, up to and with rule `last`.
  uint16_t oversized(Reading& reading, uint32_t last) const;

  bool looks_at_region() const { return looks_at_region_; }

  /// The worst time that one set of expressions takes for one request (RegexSet::worst_time);
  /// `limit` is for each set.
  std::chrono::nanoseconds worst_regex_time(const Clock& clock, std::chrono::nanoseconds limit) const;

 private:
  struct RegexSubject {
    uint32_t subject;     // kNoSubject: the path
    uint32_t first_rule;  // the earliest with an expression for it
  };
  explicit Matcher(std::vector<std::vector<Condition>> rules, size_t subjects);
  void note(const Condition& condition, uint32_t rule);
  bool verify(uint32_t rule, Reading& reading) const;
  bool is_oversized(uint32_t subject, Reading& reading) const;

  std::vector<std::vector<Condition>> rules_;
  std::vector<uint32_t> anchors_;
  RuleIndex index_;
  std::vector<RegexSubject> regex_subjects_;
  bool looks_at_region_ = false;
};

}  // namespace weir::routing
