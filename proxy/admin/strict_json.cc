#include "proxy/admin/strict_json.h"

#include <fmt/format.h>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <vector>

namespace weir::admin {
namespace {

namespace json = boost::json;
using Error = json::error_code;

/// Builds the value as json::parse does, but for names that stand twice.
struct Builder {
  static constexpr size_t max_object_size = std::numeric_limits<size_t>::max();
  static constexpr size_t max_array_size = max_object_size;
  static constexpr size_t max_key_size = max_object_size;
  static constexpr size_t max_string_size = max_object_size;

  bool on_document_begin(Error&) {
    stack.reset();
    return true;
  }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error&) {
    open.emplace_back();
    return true;
  }
  bool on_object_end(size_t count, Error&) {
    open.pop_back();
    stack.push_object(count);
    return true;
  }
  bool on_array_begin(Error&) { return true; }
  bool on_array_end(size_t count, Error&) {
    stack.push_array(count);
    return true;
  }
  bool on_key_part(json::string_view part, size_t, Error&) {
    key.append(part.data(), part.size());
    stack.push_chars(part);
    return true;
  }
  bool on_key(json::string_view part, size_t, Error& error) {
    key.append(part.data(), part.size());
    stack.push_key(part);
    if (open.back().insert(key).second) {
      key.clear();
      return true;
    }
    twice = key;
    error = json::error::extra_data;
    return false;
  }
  bool on_string_part(json::string_view part, size_t, Error&) {
    stack.push_chars(part);
    return true;
  }
  bool on_string(json::string_view part, size_t, Error&) {
    stack.push_string(part);
    return true;
  }
  bool on_number_part(json::string_view, Error&) { return true; }
  bool on_int64(int64_t number, json::string_view, Error&) {
    stack.push_int64(number);
    return true;
  }
  bool on_uint64(uint64_t number, json::string_view, Error&) {
    stack.push_uint64(number);
    return true;
  }
  bool on_double(double number, json::string_view, Error&) {
    stack.push_double(number);
    return true;
  }
  bool on_bool(bool value, Error&) {
    stack.push_bool(value);
    return true;
  }
  bool on_null(Error&) {
    stack.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, Error&) { return true; }
  bool on_comment(json::string_view, Error&) { return true; }

  json::value_stack stack;
  std::vector<std::set<std::string>> open;  // names seen, by object not yet ended
  std::string key;
  std::optional<std::string> twice;
};

/// The code point at the front, which is taken away; nothing if it is not UTF-8 (RFC 3629).
std::optional<uint32_t> take_code_point(std::string_view& text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const size_t length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || text.size() < length) return std::nullopt;
  uint32_t point = length == 1 ? first : first & (0x7f >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return std::nullopt;
    point = point << 6 | (byte(i) & 0x3f);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (point < kLeast[length] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return std::nullopt;
  text.remove_prefix(length);
  return point;
}

bool is_plain(uint32_t point) {
  const bool control = point < 0x20 || (point >= 0x7f && point < 0xa0);
  const bool separator = point == 0x2028 || point == 0x2029;
  const bool turns = point == 0x200e || point == 0x200f || point == 0x61c || (point >= 0x202a && point <= 0x202e) ||
                     (point >= 0x2066 && point <= 0x2069);
  return !control && !separator && !turns;
}

}  // namespace

StrictJson parse_strictly(std::string_view text) {
  json::basic_parser<Builder> parser(json::parse_options{.max_depth = kMaxDepth});
  Error error;
  const size_t read = parser.write_some(false, text.data(), text.size(), error);
  Builder& builder = parser.handler();
  if (builder.twice) return {{}, "the name stands twice in one object", *builder.twice};
  if (!error && read < text.size()) error = json::error::extra_data;
  if (error == json::error::too_deep) return {{}, fmt::format("the body is nested deeper than {}", kMaxDepth), {}};
  if (error) return {{}, fmt::format("the body is not JSON: {} at byte {}", error.message(), read), {}};
  return {builder.stack.release(), {}, {}};
}

bool is_printable(std::string_view text) {
  while (!text.empty()) {
    const auto point = take_code_point(text);
    if (!point || !is_plain(*point)) return false;
  }
  return true;
}

}  // namespace weir::admin
