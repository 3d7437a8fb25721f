#include "config/forms.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/host.h"
#include "config/units.h"

namespace weir::config {

namespace {

// ECMA 262 patterns, put together from named parts.
const std::string kLabel = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?";
const std::string kOctet = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const std::string kV4 = "(" + kOctet + "\\.){3}" + kOctet;

/// RFC 3986 §3.2.2: `groups` before the `::`, then what may follow.
std::string v6_pattern() {
  const std::string group = "[0-9A-Fa-f]{1,4}";
  std::string pattern = "((" + group + ":){7}(" + group + "|:)|(" + group + ":){6}(" + kV4 + "|:" + group + "|:)";
  for (int groups = 5; groups >= 0; --groups) {
    const std::string before = groups > 0 ? fmt::format("({}:){{{}}}", group, groups) : ":";
    const int rest = groups > 0 ? 5 - groups : 5;
    pattern += fmt::format("|{0}((:{1}){{0,{2}}}:{3}|(:{1}){{1,{4}}}|:)", before, group, rest, kV4, rest + 2);
  }
  return pattern + ")";
}

const std::string kV6 = v6_pattern();
const std::string kHost = "(" + kV4 + "|(" + kLabel + "\\.)*(?![0-9]+(:|$))" + kLabel + ")";
const std::string kPort = "(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})";
const std::string kUnix = "unix:/.{1,106}";
const std::string kPassed = "systemd:[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}";
const std::string kToken = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const std::string kQueryName = "[^\\u0000-\\u0020&=#]+";

std::string whole(const std::string& pattern) { return "^" + pattern + "$"; }
std::string address_pattern(const std::string& port, const std::string& passed = "") {
  return whole("(" + passed + kUnix + "|(?!(unix|systemd):)(" + kHost + "|\\[" + kV6 + "\\]):" + port + ")");
}

bool is_letter_or_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// RFC 9110 §5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [&](char c) { return is_letter_or_digit(c) || kOthers.find(c) != kOthers.npos; });
}

bool is_query_name(std::string_view text) {
  constexpr std::string_view kDelimiters = "&=#";
  return !text.empty() && std::none_of(text.begin(), text.end(), [&](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || kDelimiters.find(c) != kDelimiters.npos;
  });
}

bool is_certificate_part(std::string_view text) { return text == "subject" || text == "fingerprint"; }

bool is_name(std::string_view text) {
  constexpr size_t kLongest = 64;
  constexpr std::string_view kOthers = "_.-";
  return !text.empty() && text.size() <= kLongest && text.front() != '.' && text.front() != '-' &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_letter_or_digit(c) || kOthers.find(c) != kOthers.npos; });
}

Plain show_text(const std::string& value) { return value; }

/// A form for texts that are right or wrong as a whole.
template <class Predicate>
Type<std::string> checked_text(TextForm form, Predicate right) {
  const auto parse = [right](std::string_view text) -> Parsed<std::string> {
    return right(text) ? std::optional<std::string>(text) : std::nullopt;
  };
  return text<std::string>(std::move(form), parse, show_text);
}

Parsed<Address> read_address(std::string_view text, bool needs_port) {
  auto address = parse_address(text);
  if (address && address->kind == Address::Kind::passed) {
    return Parsed<Address>::wrong(quoted(text) + ": only a listener can be a socket of systemd; write host:port, " +
                                  "[v6]:port or unix:/path");
  }
  const bool no_port = address && address->kind == Address::Kind::host_port && address->port == 0;
  if (no_port && needs_port) return std::nullopt;
  return address;
}

const char* const kListenerRight = "host:port, [v6]:port, unix:/path or systemd:NAME";
const char* const kAddressRight = "host:port, [v6]:port or unix:/path";
const char* const kDurationRight = "a whole number with its unit, as 250ms, 2s, 5m, 1h or 365d";

Type<Milliseconds> duration_of(bool zero_too) {
  const std::string number = zero_too ? "(0|[1-9][0-9]{0,11})" : "[1-9][0-9]{0,11}";
  TextForm form{"a duration", kDurationRight, whole(number + "(ms|s|m|h|d)")};
  const auto parse = [zero_too](std::string_view text) -> Parsed<Milliseconds> {
    const auto value = parse_duration(text);
    if (value && *value == Milliseconds::zero() && !zero_too) {
      return Parsed<Milliseconds>::wrong(quoted(text) + " would always be over; write more than 0");
    }
    return value;
  };
  return text<Milliseconds>(std::move(form), parse,
                            [](const Milliseconds& value) -> Plain { return duration_text(value); });
}

}  // namespace

Type<std::string> name() {
  return checked_text({"a name", "1 to 64 letters, digits, _ . or -, beginning with a letter, a digit or _",
                       "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$"},
                      is_name);
}

Type<std::string> some_text(const std::string& noun) {
  return checked_text({noun, "some text", "^[^\\n]+$"},
                      [](std::string_view text) { return !text.empty() && text.find('\n') == text.npos; });
}

Type<std::string> any_text() {
  return checked_text({"text", "a text, {regex: …}, {prefix: …} or {present: true}", ""},
                      [](std::string_view) { return true; });
}

Type<Address> listener_address() {
  return text<Address>({"an address", kListenerRight, address_pattern("(0|" + kPort + ")", kPassed + "|")},
                       [](std::string_view text) -> Parsed<Address> { return Parsed<Address>(parse_address(text)); });
}

Type<Address> admin_address() {
  return text<Address>({"an address", kAddressRight, address_pattern("(0|" + kPort + ")")},
                       [](std::string_view text) { return read_address(text, false); });
}

Type<Address> endpoint_address() {
  return text<Address>({"an endpoint", std::string(kAddressRight) + ", port 1 to 65535", address_pattern(kPort)},
                       [](std::string_view text) { return read_address(text, true); });
}

Type<Cidr> cidr() {
  const std::string v4 = kV4 + "(/([0-9]|[12][0-9]|3[0-2]))?";
  const std::string v6 = kV6 + "(/([0-9]|[1-9][0-9]|1[01][0-9]|12[0-8]))?";
  return text<Cidr>(
      {"an address block", "192.0.2.0/24, 2001:db8::/32 or one address", whole("(" + v4 + "|" + v6 + ")")},
      [](std::string_view text) { return Parsed<Cidr>(parse_cidr(text)); });
}

Type<Share> share() {
  return text<Share>(
      {"a share", "0% to 100%, at most four decimals, with the %",
       "^(100(\\.0{1,4})?|(0|[1-9][0-9]?)(\\.[0-9]{1,4})?)%$"},
      [](std::string_view text) { return Parsed<Share>(parse_share(text)); },
      [](const Share& share) -> Plain { return share_text(share); });
}

Type<Milliseconds> duration() { return duration_of(false); }
Type<Milliseconds> duration_or_zero() { return duration_of(true); }

Type<std::chrono::seconds> seconds() {
  using std::chrono::seconds;
  TextForm form{"a duration in whole seconds", "1s, 5m, 1h or 365d", "^[1-9][0-9]{0,8}(s|m|h|d)$"};
  const auto parse = [](std::string_view text) -> Parsed<seconds> {
    const auto value = text.ends_with("ms") ? std::nullopt : parse_duration(text);
    if (!value || *value == Milliseconds::zero()) return std::nullopt;
    return std::chrono::duration_cast<seconds>(*value);
  };
  return text<seconds>(std::move(form), parse, [](const seconds& value) -> Plain { return duration_text(value); });
}

Type<uint64_t> size() {
  TextForm form{"a size", "a whole number with its unit, as 512B, 64KiB, 1MiB or 1GiB, or 0 for no limit",
                "^[1-9][0-9]{0,15}(B|KiB|MiB|GiB)$"};
  Type<uint64_t> zero{make_shape(IntegerShape{0, 0}), {}, {}};
  zero.read = [form](const Node& node, uint64_t& into, const Reading& reading) {
    if (node.integer() != 0) return refuse_text(node, form, false, "", reading);
    into = 0;
  };
  const auto parse = [](std::string_view text) -> Parsed<uint64_t> {
    const auto bytes = parse_size(text);
    if (!bytes || *bytes == 0) return std::nullopt;
    return bytes;
  };
  const auto show = [](const uint64_t& bytes) -> Plain {
    if (bytes == 0) return int64_t{0};
    return size_text(bytes);
  };
  return either<uint64_t>([](const Node& node) { return node.is(Scalar::integer); }, zero,
                          text<uint64_t>(form, parse, show));
}

Type<std::string> header_name() {
  return checked_text({"a header's name", "letters, digits and -, as X-User-Id", whole(kToken)}, is_token);
}

Type<std::string> cookie_name() {
  return checked_text({"a cookie's name", "letters, digits, _ and -, as uid", whole(kToken)}, is_token);
}

Type<std::string> query_name() {
  return checked_text(
      {"a query parameter's name", "it as it stands in the URL, without & = # and blanks", whole(kQueryName)},
      is_query_name);
}

Type<std::string> certificate_part() {
  return checked_text({"a part of a certificate", "subject or fingerprint", "^(subject|fingerprint)$"},
                      is_certificate_part);
}

Type<CohortKey> cohort_key() {
  TextForm form{
      "a cohort key", "header:NAME, cookie:NAME, query:NAME, client_cert:subject, client_cert:fingerprint or client_ip",
      whole("(client_ip|client_cert:(subject|fingerprint)|(header|cookie):" + kToken + "|query:" + kQueryName + ")")};
  const auto parse = [](std::string_view text) -> Parsed<CohortKey> {
    using Kind = CohortKey::Kind;
    if (text == "client_ip") return CohortKey{Kind::client_ip, ""};
    const size_t colon = text.find(':');
    if (colon == text.npos) return std::nullopt;
    const std::string_view source = text.substr(0, colon);
    const std::string name(text.substr(colon + 1));
    if (source == "header" && is_token(name)) return CohortKey{Kind::header, name};
    if (source == "cookie" && is_token(name)) return CohortKey{Kind::cookie, name};
    if (source == "client_cert" && is_certificate_part(name)) return CohortKey{Kind::client_cert, name};
    if (source == "query" && is_query_name(name)) return CohortKey{Kind::query, name};
    return std::nullopt;
  };
  return text<CohortKey>(std::move(form), parse);
}

Type<std::string> host_pattern() {
  TextForm form{"a host", "a name, *.suffix or an IP address ([v6] in brackets), without a port; no host key means any",
                whole("((\\*\\.)?" + kHost + "|\\[" + kV6 + "\\])")};
  return checked_text(std::move(form), [](std::string_view text) {
    if (text.starts_with("*.")) return is_host(text.substr(2));
    return is_host(text) || is_bracketed_v6(text);
  });
}

Type<std::string> host_name() { return checked_text({"a host name", "a name, without a port", whole(kHost)}, is_host); }

Type<std::string> path_prefix() {
  TextForm form{"a path prefix", "it beginning with /, without a query", "^/[^\\u0000-\\u001f?#]*$"};
  const auto parse = [](std::string_view text) -> Parsed<std::string> {
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
    const bool right = text.starts_with('/') && text.find_first_of("?#") == text.npos &&
                       std::none_of(text.begin(), text.end(), control);
    return right ? std::optional<std::string>(text) : std::nullopt;
  };
  return text<std::string>(std::move(form), parse, show_text);
}

Type<StatusRange> status_range() {
  const std::string status = "[1-5][0-9]{2}";
  TextForm form{"a status", "100 to 599, or a range as 200-399", whole(status + "(-" + status + ")?")};
  const Type<uint16_t> number = integer<uint16_t>(100, 599);
  Type<StatusRange> one{number.shape, {}, {}};
  one.read = [number](const Node& node, StatusRange& into, const Reading& reading) {
    const size_t before = reading.problems.size();
    uint16_t status = 0;
    number.read(node, status, reading);
    if (reading.problems.size() == before) into = {status, status};
  };
  const auto parse = [](std::string_view text) { return Parsed<StatusRange>(parse_status_range(text)); };
  return either<StatusRange>([](const Node& node) { return node.is(Scalar::integer); }, one,
                             text<StatusRange>(form, parse));
}

Type<std::string> probe_path() {
  return checked_text({"a path", "it beginning with /, without a query and blanks", "^/[!-\"$->@-~]*$"},
                      [](std::string_view text) {
                        return text.starts_with('/') && std::all_of(text.begin(), text.end(), [](char c) {
                                 return c > 0x20 && c < 0x7f && c != '?' && c != '#';
                               });
                      });
}

Type<FreezeWindow> freeze_window() {
  const std::string time = "(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([01][0-9]|2[0-3]):[0-5][0-9]";
  TextForm form{"a window of the week", "day and time, twice, and their zone, as Fri 16:00-Mon 08:00 Europe/Berlin",
                whole(time + "-" + time + " (?=.{1,64}$)[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")};
  Type<FreezeWindow> type = text<FreezeWindow>(
      std::move(form), [](std::string_view text) { return Parsed<FreezeWindow>(parse_freeze_window(text)); });
  const auto read = type.read;
  type.read = [read](const Node& node, FreezeWindow& into, const Reading& reading) {
    read(node, into, reading);
    into.where = node.where;
  };
  return type;
}

Type<HookUrl> hook_url() {
  const std::string label_or_end = "(?![0-9]+([:/]|$))";
  const std::string host = "(" + kV4 + "|(" + kLabel + "\\.)*" + label_or_end + kLabel + ")";
  TextForm form{
      "an address to call", "http://HOST[:PORT]/PATH or https://",
      whole("https?://(?!(unix|systemd)([:/]|$))(" + host + "|\\[" + kV6 + "\\])(:" + kPort + ")?(/[!-\"$-~]*)?")};
  return text<HookUrl>(std::move(form), [](std::string_view text) { return Parsed<HookUrl>(parse_hook_url(text)); });
}

Type<std::string> method() {
  return checked_text({"a method", "it in capitals, as GET", "^[A-Z][A-Z0-9_-]*$"}, [](std::string_view text) {
    const auto allowed = [](char c) {
      return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    };
    return !text.empty() && text.front() >= 'A' && text.front() <= 'Z' &&
           std::all_of(text.begin(), text.end(), allowed);
  });
}

}  // namespace weir::config
