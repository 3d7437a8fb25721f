#include "routing/rollout/user_filter.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

namespace weir::routing::rollout {

namespace {

constexpr size_t kWords = UserFilter::kPlaces / 64;

void append_hex(std::string& text, uint64_t number) {
  char digits[16];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number, 16);
  text.append(digits, end);
}

}  // namespace

double users_behind(uint64_t taken, uint32_t places) {
  const double all = places;
  const double free = taken >= places ? 1 : all - static_cast<double>(taken);
  return -all * std::log(free / all);
}

bool UserFilter::insert(uint64_t user) {
  if (words_.empty()) words_.resize(kWords);
  const uint32_t place = filter_place(user, kPlaces);
  const uint64_t bit = uint64_t{1} << (place % 64);
  uint64_t& word = words_[place / 64];
  if ((word & bit) != 0) return false;
  word |= bit;
  ++size_;
  return true;
}

void UserFilter::unite(std::span<const uint64_t> words) {
  if (words_.empty()) words_.resize(kWords);
  for (size_t i = 0; i < std::min(words.size(), kWords); ++i) {
    size_ += static_cast<uint64_t>(std::popcount(words[i] & ~words_[i]));
    words_[i] |= words[i];
  }
}

void UserFilter::clear() {
  words_.clear();
  size_ = 0;
}

std::string UserFilter::text() const {
  std::string text;
  uint32_t before = 0;
  for (size_t i = 0; i < words_.size(); ++i) {
    for (uint64_t word = words_[i]; word != 0; word &= word - 1) {
      const auto place = static_cast<uint32_t>(i * 64) + static_cast<uint32_t>(std::countr_zero(word));
      if (!text.empty()) text += ' ';
      append_hex(text, place - before);
      before = place;
    }
  }
  return text;
}

bool UserFilter::read(std::string_view text) {
  UserFilter filter;
  uint64_t place = 0;
  while (!text.empty()) {
    uint32_t delta = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), delta, 16);
    place += delta;
    if (error != std::errc{} || place >= kPlaces || !filter.insert(place)) return false;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (text.empty()) break;
    if (text.front() != ' ' || text.size() == 1) return false;
    text.remove_prefix(1);
  }
  *this = std::move(filter);
  return true;
}

}  // namespace weir::routing::rollout
