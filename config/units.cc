#include "config/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace weir::config {

namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};
constexpr std::array<Unit, 5> kTimes{{{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 4> kSizes{{{"GiB", 1u << 30}, {"MiB", 1u << 20}, {"KiB", 1u << 10}, {"B", 1}}};
constexpr uint64_t kLongest = 3650ull * 86'400'000;
constexpr uint64_t kLargest = (1ull << 53) - 1;  // what JSON and YAML carry exactly

template <size_t N>
std::optional<uint64_t> parse(std::string_view text, const std::array<Unit, N>& units, uint64_t most) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || (text.front() == '0' && end != text.data() + 1)) return std::nullopt;
  const std::string_view name(end, static_cast<size_t>(text.data() + text.size() - end));
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    if (number > most / unit.factor) return std::nullopt;
    return number * unit.factor;
  }
  return std::nullopt;
}

template <size_t N>
std::string shown(uint64_t value, const std::array<Unit, N>& units) {
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) return fmt::format("{}{}", value / unit.factor, unit.name);
  }
  return "0";
}

}  // namespace

std::optional<Milliseconds> parse_duration(std::string_view text) {
  const auto value = parse(text, kTimes, kLongest);
  if (!value) return std::nullopt;
  return Milliseconds{*value};
}

std::string duration_text(Milliseconds duration) {
  if (duration == Milliseconds::zero()) return "0s";
  return shown(static_cast<uint64_t>(duration.count()), kTimes);
}

std::optional<uint64_t> parse_size(std::string_view text) { return parse(text, kSizes, kLargest); }

std::string size_text(uint64_t bytes) { return shown(bytes, kSizes); }

}  // namespace weir::config
