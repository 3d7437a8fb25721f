#include "config/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace weir::config {

namespace {

constexpr size_t kLongestShown = 60;

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_octal(char c) { return c >= '0' && c <= '7'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

template <class Predicate>
bool only(std::string_view text, Predicate predicate) {
  return !text.empty() && std::all_of(text.begin(), text.end(), predicate);
}

std::string_view unsigned_part(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return text;
}

std::string_view take_digits(std::string_view& text) {
  const size_t count = static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
  const std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

bool is_integer(std::string_view text) {
  if (text.starts_with("0o")) return only(text.substr(2), is_octal);
  if (text.starts_with("0x")) return only(text.substr(2), is_hex);
  return only(unsigned_part(text), is_digit);
}

bool is_real(std::string_view text) {
  if (one_of(text, {".nan", ".NaN", ".NAN"})) return true;
  text = unsigned_part(text);
  if (one_of(text, {".inf", ".Inf", ".INF"})) return true;
  const bool whole = !take_digits(text).empty();
  bool fraction = false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = !take_digits(text).empty();
  }
  if (!whole && !fraction) return false;
  if (text.empty()) return true;
  if (text.front() != 'e' && text.front() != 'E') return false;
  return only(unsigned_part(text.substr(1)), is_digit);
}

}  // namespace

Scalar resolve(std::string_view plain) {
  if (one_of(plain, {"", "~", "null", "Null", "NULL"})) return Scalar::null;
  if (one_of(plain, {"true", "True", "TRUE", "false", "False", "FALSE"})) return Scalar::boolean;
  if (is_integer(plain)) return Scalar::integer;
  if (is_real(plain)) return Scalar::real;
  return Scalar::text;
}

std::optional<int64_t> Node::integer() const {
  if (!is(Scalar::integer)) return std::nullopt;
  std::string_view digits = text;
  int base = 10;
  if (digits.starts_with("0o")) base = 8;
  if (digits.starts_with("0x")) base = 16;
  if (base != 10) digits.remove_prefix(2);
  if (digits.starts_with('+')) digits.remove_prefix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::optional<double> Node::number() const {
  if (const auto whole = integer()) return static_cast<double>(*whole);
  if (!is(Scalar::real)) return std::nullopt;
  double value = 0;
  const char* const begin = text.data() + (text.front() == '+' ? 1 : 0);
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

const Entry* Node::find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

std::string Node::shown() const {
  switch (kind) {
    case Kind::scalar:
      return scalar == Scalar::text ? quoted(text) : text.substr(0, kLongestShown);
    case Kind::list:
      return "a list";
    case Kind::map:
      return "a map";
    default:
      return "nothing";
  }
}

const Where& place(const Node& root, std::initializer_list<Step> path) {
  const Node* node = &root;
  for (const Step& step : path) {
    if (const auto* key = std::get_if<std::string_view>(&step)) {
      const Entry* entry = node->find(*key);
      if (entry == nullptr) break;
      node = &entry->value;
    } else if (const size_t index = std::get<size_t>(step); index < node->items.size()) {
      node = &node->items[index];
    }
  }
  return node->where;
}

std::string quoted(std::string_view text) {
  std::string shown = "\"";
  for (const char c : text.substr(0, kLongestShown)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      fmt::format_to(std::back_inserter(shown), "\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      shown += c;
    }
  }
  return shown + (text.size() > kLongestShown ? "…\"" : "\"");
}

}  // namespace weir::config
