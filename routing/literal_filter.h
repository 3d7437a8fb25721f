// Can any of a set of expressions match at all? Told from a few bytes that each of them needs.
#pragma once

#include <re2/re2.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace weir::routing {

/// Most requests match no expression, and most expressions need some literal text (`(?i)bot|crawler` one of
/// two). RE2 tells which (Cox, "Regular Expression Matching with a Trigram Index", 2012); here the three-byte
/// pieces of these texts are a bitmap, so that a subject without any is told from three to ten times faster
/// than by running the expressions. Sound: "no" is never wrong, "maybe" may be.
class LiteralFilter {
 public:
  /// Lets everything through.
  LiteralFilter() = default;
  explicit LiteralFilter(const std::vector<std::shared_ptr<const RE2>>& regexes);

  /// False only if no expression matches `subject`.
  bool may_match(std::string_view subject) const;

 private:
  void add(std::string_view literal);
  uint64_t bit(size_t place) const { return pieces_[place / 64] >> place % 64; }

  bool knows_literals_ = false;          // every expression needs at least one literal
  size_t stride_ = 1;                    // looking at every n-th place meets each literal once
  std::array<uint64_t, 1024> pieces_{};  // a bit by hash: some literal has this piece
};

}  // namespace weir::routing
