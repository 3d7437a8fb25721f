#include "routing/literal_filter.h"

#include <re2/filtered_re2.h>

#include <algorithm>
#include <cstring>

namespace weir::routing {
namespace {

constexpr size_t kPiece = 3;

/// Where a piece is in the bitmap; the bit that tells upper from lower case is set in all bytes, of literals
/// and subjects alike, which can only make pieces meet that differ.
size_t place(const char* at, size_t readable) {
  uint32_t bytes = 0;
  std::memcpy(&bytes, at, readable >= 4 ? 4 : kPiece);
  return ((bytes & 0xffffff) | 0x202020) * 0x9e3779b1U >> 16;
}

bool is_ascii(std::string_view text) {
  uint64_t all = 0;
  while (text.size() >= 8) {
    uint64_t word = 0;
    std::memcpy(&word, text.data(), 8);
    all |= word;
    text.remove_prefix(8);
  }
  for (const char c : text) all |= static_cast<uint8_t>(c);
  return (all & 0x8080808080808080) == 0;
}

/// The literals of which every match has at least one; none if some expression needs none.
std::vector<std::string> needed_literals(const std::vector<std::shared_ptr<const RE2>>& regexes) {
  re2::FilteredRE2 filtered(kPiece);
  for (const auto& regex : regexes) {
    int id = 0;
    if (filtered.Add(regex->pattern(), regex->options(), &id) != RE2::NoError) return {};
  }
  std::vector<std::string> literals;
  filtered.Compile(&literals);
  std::vector<int> without_any;
  filtered.AllPotentials({}, &without_any);
  return without_any.empty() ? literals : std::vector<std::string>();
}

}  // namespace

LiteralFilter::LiteralFilter(const std::vector<std::shared_ptr<const RE2>>& regexes) {
  const std::vector<std::string> literals = regexes.empty() ? std::vector<std::string>() : needed_literals(regexes);
  size_t shortest = literals.empty() ? 0 : literals.front().size();
  for (const std::string& literal : literals) shortest = std::min(shortest, literal.size());
  if (shortest < kPiece) return;
  knows_literals_ = true;
  stride_ = std::min<size_t>(shortest - kPiece + 1, 8);
  for (const std::string& literal : literals) add(literal);
}

void LiteralFilter::add(std::string_view literal) {
  for (size_t i = 0; i < stride_; ++i) {
    const size_t at = place(literal.data() + i, literal.size() - i);
    pieces_[at / 64] |= uint64_t{1} << at % 64;
  }
}

bool LiteralFilter::may_match(std::string_view subject) const {
  // Beyond ASCII there is more to letters without case than a bit: (?i)k matches the Kelvin sign.
  if (!knows_literals_ || !is_ascii(subject)) return true;
  uint64_t any = 0;
  size_t i = 0;
  for (; i + 4 <= subject.size(); i += stride_) any |= bit(place(subject.data() + i, 4));
  for (; i + kPiece <= subject.size(); i += stride_) any |= bit(place(subject.data() + i, kPiece));
  return (any & 1) != 0;
}

}  // namespace weir::routing
