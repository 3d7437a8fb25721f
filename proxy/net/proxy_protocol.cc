#include "proxy/net/proxy_protocol.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace weir::net {

namespace {

using State = ProxyHeader::State;

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kMaxText = 107;  // of a v1 line with its CRLF

ProxyHeader malformed() { return {State::malformed, 0, std::nullopt}; }

std::string_view next_word(std::string_view& line) {
  const size_t end = line.find(' ');
  const std::string_view word = line.substr(0, end);
  line = end == std::string_view::npos ? std::string_view{} : line.substr(end + 1);
  return word;
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && text.size() <= 5 && port <= 65535;
}

ProxyHeader read_text(std::string_view bytes) {
  const size_t end = bytes.substr(0, kMaxText).find("\r\n");
  if (end == std::string_view::npos) return bytes.size() < kMaxText ? ProxyHeader{} : malformed();
  std::string_view line = bytes.substr(6, end - 6);
  const size_t size = end + 2;
  const std::string_view family = next_word(line);
  if (family == "UNKNOWN") return {State::complete, size, std::nullopt};
  if (family != "TCP4" && family != "TCP6") return malformed();
  const std::string_view source_text = next_word(line), destination_text = next_word(line);
  const auto source = config::parse_ip(source_text);
  const auto destination = config::parse_ip(destination_text);
  // By the form of the text: TCP6 may carry IPv4-mapped addresses.
  const auto is_v6 = [](std::string_view text) { return text.find(':') != std::string_view::npos; };
  const bool fits = source && destination && is_v6(source_text) == (family == "TCP6") &&
                    is_v6(destination_text) == (family == "TCP6");
  if (!fits || !is_port(next_word(line)) || !is_port(next_word(line)) || !line.empty()) return malformed();
  return {State::complete, size, source};
}

ProxyHeader read_binary(std::string_view bytes) {
  if (bytes.size() < 16) return {};
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(bytes[at]); };
  const unsigned version = byte(12) >> 4, command = byte(12) & 15, family = byte(13) >> 4;
  const size_t size = 16 + (size_t{byte(14)} << 8 | byte(15));
  if (version != 2 || command > 1) return malformed();
  if (size > 16 + 2048) return malformed();  // addresses and every TLV in use are far smaller
  if (bytes.size() < size) return {};
  if (command == 0) return {State::complete, size, std::nullopt};
  config::IpAddress source;
  if (family == 1 && size >= 16 + 12) {
    source.bytes[10] = source.bytes[11] = 0xff;
    std::memcpy(source.bytes.data() + 12, bytes.data() + 16, 4);
  } else if (family == 2 && size >= 16 + 36) {
    std::memcpy(source.bytes.data(), bytes.data() + 16, 16);
  } else if (family == 1 || family == 2) {
    return malformed();
  } else {
    return {State::complete, size, std::nullopt};
  }
  return {State::complete, size, source};
}

}  // namespace

ProxyHeader read_proxy_header(std::string_view bytes) {
  const auto begins = [&](std::string_view with) {
    const size_t size = std::min(with.size(), bytes.size());
    return bytes.substr(0, size) == with.substr(0, size);
  };
  if (begins(kSignature)) return bytes.size() < kSignature.size() ? ProxyHeader{} : read_binary(bytes);
  if (begins("PROXY ")) return bytes.size() < 6 ? ProxyHeader{} : read_text(bytes);
  return malformed();
}

}  // namespace weir::net
