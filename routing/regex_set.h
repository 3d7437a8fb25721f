// All regular expressions of one subject, asked at once (RE2::Set; Cox, "Regular Expression Matching in the Wild",
// 2010).
#pragma once

#include <re2/re2.h>
#include <re2/set.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "routing/literal_filter.h"
#include "routing/snapshot.h"

namespace weir::routing {

/// Bytes; a longer subject does not match and is counted (Decision::oversized_subjects).
inline constexpr size_t kLargestSubject = 1024;

/// Compiles one expression as all of weir's are: RE2, UTF-8, unanchored, bounded memory, silent.
/// What RE2 refuses has `!ok()` and says why in `error()`.
std::shared_ptr<const RE2> compile_regex(const std::string& pattern);

/// Whether the expression is somewhere in `subject`; false for one over kLargestSubject. RE2 falls back
/// from its DFA to slower engines by itself, so running out of memory is never "no match".
bool regex_matches(const RE2& regex, std::string_view subject);

/// Immutable; may be asked by any thread.
class RegexSet {
 public:
  /// `regexes` are all `ok()`. A set too large to compile is asked one expression after another.
  explicit RegexSet(std::vector<std::shared_ptr<const RE2>> regexes);

  /// Fills `matches` (unsorted) with the indices of the expressions that match; nothing for a subject over
  /// kLargestSubject. When the set runs out of memory every expression is asked by itself.
  void match(std::string_view subject, std::vector<int>& matches) const;

  /// The worst time for one subject of kLargestSubject bytes made to be slow: text that follows the
  /// expressions, text over their letters, text at random. Measured on a copy, whose states are thrown
  /// away; tries less once it has spent `limit`, and ends with what takes longer than that.
  std::chrono::nanoseconds worst_time(const Clock& clock, std::chrono::nanoseconds limit) const;

  /// False for a set that was too large to compile (and for a set of one, which needs none).
  bool is_one_program() const { return set_ != nullptr; }

 private:
  void match_singly(std::string_view subject, std::vector<int>& matches) const;

  std::vector<std::shared_ptr<const RE2>> regexes_;
  LiteralFilter filter_;
  std::unique_ptr<RE2::Set> set_;  // null for one expression, and for more if they were too large
};

}  // namespace weir::routing
