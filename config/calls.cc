// Whom and when a rollout's plan names: windows of the week, and addresses to be called.
#include <algorithm>
#include <array>

#include "config/config.h"
#include "config/host.h"

namespace weir::config {

namespace {

using std::chrono::minutes;

constexpr std::array<std::string_view, 7> kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr size_t kTimeOfWeek = std::string_view("Fri 16:00").size();
constexpr size_t kLongestZone = 64;

std::optional<int> two_digits(std::string_view text, int most) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 2 || !digit(text[0]) || !digit(text[1])) return std::nullopt;
  const int value = (text[0] - '0') * 10 + (text[1] - '0');
  return value <= most ? std::optional(value) : std::nullopt;
}

/// `Fri 16:00`, from Monday 00:00.
std::optional<minutes> time_of_week(std::string_view text) {
  if (text.size() != kTimeOfWeek || text[3] != ' ' || text[6] != ':') return std::nullopt;
  const auto day = std::ranges::find(kDays, text.substr(0, 3));
  const auto hour = two_digits(text.substr(4, 2), 23), minute = two_digits(text.substr(7, 2), 59);
  if (day == kDays.end() || !hour || !minute) return std::nullopt;
  return std::chrono::hours(24 * (day - kDays.begin()) + *hour) + minutes(*minute);
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// `Europe/Berlin`, `UTC`, `America/Argentina/Ushuaia`, `Etc/GMT+3`.
bool is_zone(std::string_view text) {
  const auto fits = [](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-' || c == '/';
  };
  return !text.empty() && text.size() <= kLongestZone && is_letter(text.front()) && text.back() != '/' &&
         text.find("//") == text.npos && std::ranges::all_of(text, fits);
}

bool is_path(std::string_view text) {
  return text.starts_with('/') && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

}  // namespace

std::optional<FreezeWindow> parse_freeze_window(std::string_view text) {
  constexpr size_t kBoth = 2 * kTimeOfWeek + 1;
  if (text.size() < kBoth + 2 || text[kTimeOfWeek] != '-' || text[kBoth] != ' ') return std::nullopt;
  const auto begin = time_of_week(text.substr(0, kTimeOfWeek));
  const auto end = time_of_week(text.substr(kTimeOfWeek + 1, kTimeOfWeek));
  const std::string_view zone = text.substr(kBoth + 1);
  if (!begin || !end || !is_zone(zone)) return std::nullopt;
  return FreezeWindow{*begin, *end, std::string(zone), std::string(text), {}};
}

std::optional<HookUrl> parse_hook_url(std::string_view text) {
  HookUrl url;
  url.text = text;
  url.https = text.starts_with("https://");
  if (!url.https && !text.starts_with("http://")) return std::nullopt;
  std::string_view rest = text.substr(url.https ? 8 : 7);
  const size_t slash = std::min(rest.find('/'), rest.size());
  url.path = slash < rest.size() ? rest.substr(slash) : "/";
  std::string authority(rest.substr(0, slash));
  const bool has_port = authority.rfind(':') != authority.npos && authority.back() != ']';
  if (!has_port) authority += url.https ? ":443" : ":80";
  const auto address = authority.starts_with("unix:") ? std::nullopt : parse_address(authority);
  if (!address || address->kind != Address::Kind::host_port || address->port == 0 || !is_path(url.path)) {
    return std::nullopt;
  }
  url.host = address->host;
  url.port = address->port;
  return url;
}

}  // namespace weir::config
