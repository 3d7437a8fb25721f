#include "config/config.h"

namespace weir::config {

std::string CohortKey::text() const {
  switch (kind) {
    case Kind::header:
      return "header:" + name;
    case Kind::cookie:
      return "cookie:" + name;
    case Kind::query:
      return "query:" + name;
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
