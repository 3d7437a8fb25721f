#include <fmt/format.h>

#include <algorithm>

#include "config/config.h"

namespace weir::config {

namespace {

constexpr size_t kDecimals = 4;
constexpr uint32_t kPercent = 10'000;  // millionths in 1%

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

uint32_t number(std::string_view digits) {
  uint32_t value = 0;
  for (const char digit : digits) value = value * 10 + static_cast<uint32_t>(digit - '0');
  return value;
}

}  // namespace

std::optional<Share> parse_share(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  const size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  if (!all_digits(whole) || whole.size() > 3 || (whole.size() > 1 && whole.front() == '0')) return std::nullopt;
  uint32_t millionths = number(whole) * kPercent;
  if (dot != text.npos) {
    std::string decimals(text.substr(dot + 1));
    if (!all_digits(decimals) || decimals.size() > kDecimals) return std::nullopt;
    decimals.resize(kDecimals, '0');
    millionths += number(decimals);
  }
  if (millionths > static_cast<uint32_t>(kEverybody)) return std::nullopt;
  return Share{millionths};
}

std::string share_text(Share share) {
  const auto millionths = static_cast<uint32_t>(share);
  std::string text = fmt::format("{}.{:04}", millionths / kPercent, millionths % kPercent);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text + '%';
}

}  // namespace weir::config
