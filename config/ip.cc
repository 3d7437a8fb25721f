// IP literals and blocks of them, as text and as bytes.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "config/config.h"

namespace weir::config {

namespace {

constexpr std::array<uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int kMappedBits = 96;

struct Run {
  int begin = 0;
  int length = 0;
};

/// The leftmost longest run of zero groups, if it is longer than one (RFC 5952 §4.2).
Run longest_zeros(const std::array<unsigned, 8>& groups) {
  Run best, run;
  for (int i = 0; i < 8; ++i) {
    run = groups[i] != 0 ? Run{i + 1, 0} : Run{run.begin, run.length + 1};
    if (run.length > best.length) best = run;
  }
  return best.length > 1 ? best : Run{};
}

std::string v6_text(const std::array<uint8_t, 16>& bytes) {
  std::array<unsigned, 8> groups{};
  for (size_t i = 0; i < 8; ++i) groups[i] = unsigned{bytes[2 * i]} << 8 | bytes[2 * i + 1];
  const Run zeros = longest_zeros(groups);
  std::string text;
  for (int i = 0; i < 8; ++i) {
    if (zeros.length > 0 && i == zeros.begin) {
      text += "::";
      i += zeros.length - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    fmt::format_to(std::back_inserter(text), "{:x}", groups[i]);
  }
  return text;
}

void clear_host_bits(IpAddress& ip, int length) {
  for (int bit = length; bit < 128; ++bit) ip.bytes[bit / 8] &= static_cast<uint8_t>(~(0x80u >> bit % 8));
}

std::optional<int> parse_length(std::string_view text, int most) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  int length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  if (!whole || length < 0 || length > most) return std::nullopt;
  return length;
}

}  // namespace

bool IpAddress::is_v4() const { return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin()); }

std::string IpAddress::text() const {
  if (is_v4()) return fmt::format("{}.{}.{}.{}", bytes[12], bytes[13], bytes[14], bytes[15]);
  return v6_text(bytes);
}

std::optional<IpAddress> parse_ip(std::string_view text) {
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != text.npos) return std::nullopt;
  const std::string terminated(text);
  IpAddress ip;
  if (inet_pton(AF_INET6, terminated.c_str(), ip.bytes.data()) == 1) return ip;
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), ip.bytes.begin());
  if (inet_pton(AF_INET, terminated.c_str(), ip.bytes.data() + 12) == 1) return ip;
  return std::nullopt;
}

std::optional<Cidr> parse_cidr(std::string_view text) {
  const size_t slash = text.find('/');
  const std::string_view literal = text.substr(0, slash);
  const auto ip = parse_ip(literal);
  if (!ip) return std::nullopt;
  if (slash == text.npos) return Cidr{*ip, 128};
  const int shift = literal.find(':') == literal.npos ? kMappedBits : 0;
  const auto length = parse_length(text.substr(slash + 1), 128 - shift);
  if (!length) return std::nullopt;
  Cidr block{*ip, *length + shift};
  clear_host_bits(block.address, block.length);
  return block;
}

bool Cidr::contains(const IpAddress& ip) const {
  const size_t whole = static_cast<size_t>(length) / 8;
  if (std::memcmp(ip.bytes.data(), address.bytes.data(), whole) != 0) return false;
  const int rest = length % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff << (8 - rest));
  return ((ip.bytes[whole] ^ address.bytes[whole]) & mask) == 0;
}

}  // namespace weir::config
