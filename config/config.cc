#include "config/config.h"

#include <charconv>
#include <tuple>

namespace weir::config {

std::optional<StatusRange> parse_status_range(std::string_view text) {
  const auto number = [](std::string_view digits) -> uint16_t {
    uint16_t value = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return read.ec == std::errc() && read.ptr == digits.data() + digits.size() ? value : uint16_t{0};
  };
  const size_t dash = text.find('-');
  const std::string_view last = dash == text.npos ? text : text.substr(dash + 1);
  const StatusRange range{number(text.substr(0, dash)), number(last)};
  const bool right = range.first >= 100 && range.last <= 599 && range.first <= range.last;
  return right ? std::optional<StatusRange>(range) : std::nullopt;
}

bool operator==(const ListenerTls& a, const ListenerTls& b) {
  const auto all = [](const ListenerTls& tls) {
    return std::tie(tls.certificates, tls.min_version, tls.ciphers, tls.groups, tls.alpn, tls.session_tickets,
                    tls.client_ca, tls.client_certificate, tls.client_crl, tls.forward_client_certificate);
  };
  return all(a) == all(b);
}

Outlier default_outlier() {
  Outlier outlier;
  outlier.when = {OutlierSign::connect, OutlierSign::reset, OutlierSign::timeout};
  return outlier;
}

std::string CohortKey::text() const {
  switch (kind) {
    case Kind::header:
      return "header:" + name;
    case Kind::cookie:
      return "cookie:" + name;
    case Kind::query:
      return "query:" + name;
    case Kind::client_cert:
      return "client_cert:" + name;
    case Kind::client_ip:
      break;
  }
  return "client_ip";
}

std::optional<size_t> Service::version_index(std::string_view wanted) const {
  for (size_t i = 0; i < versions.size(); ++i) {
    if (versions[i].name == wanted) return i;
  }
  return std::nullopt;
}

size_t Service::stable_index() const { return version_index(stable).value_or(0); }

std::optional<size_t> Service::candidate_index() const {
  if (versions.size() < 2) return std::nullopt;
  return stable_index() == 0 ? 1 : 0;
}

Share Service::candidate_share(const std::optional<Split>& asked) const {
  const auto candidate = candidate_index();
  if (!asked || !candidate) return kNobody;
  const auto named = [&](size_t version) -> std::optional<uint32_t> {
    for (const auto& [name, share] : asked->shares) {
      if (name == versions[version].name) return static_cast<uint32_t>(share);
    }
    return std::nullopt;
  };
  if (const auto share = named(*candidate)) return Share{*share};
  const auto kept = named(stable_index());
  return kept ? Share{static_cast<uint32_t>(kEverybody) - *kept} : kNobody;
}

}  // namespace weir::config
