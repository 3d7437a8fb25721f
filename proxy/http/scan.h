// How far a run of bytes of one kind goes: tokens, the text of a field, a target (RFC 9110 §5, RFC 9112 §3).
//
// Heads are read once and in place, so this is where a proxy spends its own time: text is looked at eight
// bytes at once, tokens by a table.
#pragma once

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

/// The first byte in [at, end) that is below `least` or DEL; `end` if there is none.
template <unsigned char least>
const char* below_or_del(const char* at, const char* end) {
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
