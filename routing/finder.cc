#include "routing/finder.h"

#include <string>

#include "routing/host.h"
#include "routing/path.h"

namespace weir::routing {

ServiceFinder::ServiceFinder(const std::vector<config::Service>& services) : paths_(1) {
  for (uint32_t s = 0; s < services.size(); ++s) {
    const auto& matches = services[s].match;
    if (matches.empty()) add(config::ServiceMatch{}, {s, kEverything});
    for (uint32_t m = 0; m < matches.size(); ++m) add(matches[m], {s, m});
  }
  for (PrefixTable& paths : paths_) paths.seal();
}

PrefixTable& ServiceFinder::paths_of(std::string_view host) {
  if (host.empty() || host == "*") return paths_.front();
  const HostKind kind = host.starts_with("*.") ? host_suffix : exact_host;
  if (kind == host_suffix) host.remove_prefix(1);
  std::string scratch;
  const std::string_view normal = normalise_host(host, scratch);
  const uint32_t known = hosts_.find(kind, normal);
  if (known != ValueTable::kNobody) return paths_[known];
  hosts_.add(kind, normal, static_cast<uint32_t>(paths_.size()));
  return paths_.emplace_back();
}

void ServiceFinder::add(const config::ServiceMatch& match, Found found) {
  PrefixTable& paths = paths_of(match.host);
  const std::string prefix = normalise_prefix(match.path_prefix);
  if (paths.find(prefix) != PrefixTable::kNobody) return;
  paths.add(prefix, static_cast<uint32_t>(found_.size()));
  found_.push_back(found);
}

const PrefixTable* ServiceFinder::known(HostKind kind, std::string_view host) const {
  const uint32_t index = hosts_.find(kind, host);
  return index == ValueTable::kNobody ? nullptr : &paths_[index];
}

std::optional<ServiceFinder::Found> ServiceFinder::find_path(const PrefixTable* paths, std::string_view path) const {
  std::optional<Found> found;
  if (paths == nullptr) return found;
  paths->visit(path, [&](std::string_view prefix, uint32_t number) {
    if (under_prefix(path, prefix)) found = found_[number];
    return found.has_value();
  });
  return found;
}

std::optional<ServiceFinder::Found> ServiceFinder::find(std::string_view host, std::string_view path) const {
  thread_local std::string host_scratch, path_scratch;
  host = normalise_host(host, host_scratch);
  path = normalise_path(path, path_scratch);
  if (const auto found = find_path(known(exact_host, host), path)) return found;
  for (size_t dot = host.find('.', 1); dot < host.size(); dot = host.find('.', dot + 1)) {
    if (const auto found = find_path(known(host_suffix, host.substr(dot)), path)) return found;
  }
  return find_path(&paths_.front(), path);
}

}  // namespace weir::routing
