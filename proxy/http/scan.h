// How far a run of bytes of one kind goes: tokens, the text of a field, a target (RFC 9110 §5, RFC 9112 §3).
//
// Heads are read once and in place, so this is where a proxy spends its own time: where the processor has it,
// sixteen bytes are looked at at once; else text eight at once, and tokens by a table.
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace weir::http {

namespace scan {

inline constexpr std::array<bool, 256> kToken = [] {
  std::array<bool, 256> is{};
  for (char c = '0'; c <= '9'; ++c) is[static_cast<unsigned char>(c)] = true;
  for (char c = 'a'; c <= 'z'; ++c) is[static_cast<unsigned char>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) is[static_cast<unsigned char>(c)] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) is[static_cast<unsigned char>(c)] = true;
  return is;
}();

#ifdef __SSE2__

inline __m128i sixteen(const char* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }

/// A bit for each of sixteen bytes that is neither a letter, nor a digit, nor a dash: of a name's, the end, or rare.
inline unsigned no_common_token(const char* at) {
  const __m128i bytes = sixteen(at);
  const auto within = [](__m128i values, char first, char count) {
    const __m128i from = _mm_sub_epi8(values, _mm_set1_epi8(first));
    return _mm_cmpeq_epi8(_mm_min_epu8(from, _mm_set1_epi8(static_cast<char>(count - 1))), from);
  };
  const __m128i letter = within(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 26);
  const __m128i digit = within(bytes, '0', 10);
  const __m128i dash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));
  const __m128i common = _mm_or_si128(_mm_or_si128(letter, digit), dash);
  return static_cast<unsigned>(_mm_movemask_epi8(common)) ^ 0xffff;
}

/// A bit for each of sixteen bytes that is below `least` or DEL.
template <unsigned char least>
unsigned below_or_del_bits(const char* at) {
  const __m128i bytes = sixteen(at);
  const __m128i above = _mm_cmpeq_epi8(_mm_max_epu8(bytes, _mm_set1_epi8(static_cast<char>(least))), bytes);
  const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_andnot_si128(del, above))) ^ 0xffff;
}

#endif

/// The first byte in [at, end) that is below `least` or DEL; `end` if there is none.
template <unsigned char least>
const char* below_or_del(const char* at, const char* end) {
#ifdef __SSE2__
  for (; end - at >= 16; at += 16) {
    if (const unsigned found = below_or_del_bits<least>(at); found != 0) return at + std::countr_zero(found);
  }
#endif
  static_assert(std::endian::native == std::endian::little);
  constexpr uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  for (; end - at >= 8; at += 8) {
    uint64_t bytes;
    std::memcpy(&bytes, at, 8);
    const uint64_t del = bytes ^ (kOnes * 0x7f);
    // The lowest flag is always right: a borrow only goes up (Warren, Hacker's Delight, §6-1).
    const uint64_t found = (((bytes - kOnes * least) & ~bytes) | ((del - kOnes) & ~del)) & kHigh;
    if (found != 0) return at + std::countr_zero(found) / 8;
  }
  while (at != end && static_cast<unsigned char>(*at) >= least && *at != 0x7f) ++at;
  return at;
}

}  // namespace scan

/// The first byte that no token has (RFC 9110 §5.6.2).
inline const char* token_end(const char* at, const char* end) {
#ifdef __SSE2__
  while (end - at >= 16) {
    const unsigned found = scan::no_common_token(at);
    at += found == 0 ? 16 : std::countr_zero(found);
    if (found == 0) continue;
    if (!scan::kToken[static_cast<unsigned char>(*at)]) return at;
    ++at;
  }
#endif
  while (at != end && scan::kToken[static_cast<unsigned char>(*at)]) ++at;
  return at;
}

/// The first byte that no text of a field has: a control other than a tab (RFC 9110 §5.5).
inline const char* text_end(const char* at, const char* end) {
  at = scan::below_or_del<0x20>(at, end);
  while (at != end && *at == '\t') at = scan::below_or_del<0x20>(at + 1, end);
  return at;
}

/// The first byte that no target has: a blank or a control (RFC 9112 §3.2).
inline const char* target_end(const char* at, const char* end) { return scan::below_or_del<0x21>(at, end); }

inline bool is_token(std::string_view text) {
  return !text.empty() && token_end(text.data(), text.data() + text.size()) == text.data() + text.size();
}

inline bool is_field_text(std::string_view text) {
  return text_end(text.data(), text.data() + text.size()) == text.data() + text.size();
}

}  // namespace weir::http
