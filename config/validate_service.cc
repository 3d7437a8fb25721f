#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "config/nearest.h"
#include "config/units.h"
#include "config/validate.h"

namespace weir::config {

namespace {

std::vector<std::string> version_names(const Service& service) {
  std::vector<std::string> names;
  for (const Version& version : service.versions) names.push_back(version.name);
  return names;
}

/// `key: "nwe" is not a version of shop; did you mean new?`
std::string no_version(const Service& service, std::string_view key, const std::string& wrong) {
  const auto names = version_names(service);
  const std::string meant = nearest(wrong, names);
  return fmt::format("{}: {} is not a version of {}; {}", key, quoted(wrong),
                     service.name.empty() ? "this service" : service.name,
                     meant.empty() ? fmt::format("write {}", fmt::join(names, " or ")) : "did you mean " + meant + "?");
}

/// Is there a version of this name? What was not read, and a service without versions, pass.
bool resolves(const Service& service, const std::string& name) {
  return name.empty() || service.versions.empty() || service.version_index(name);
}

void check_stable(const Service& service, const Node& node, Problems& problems) {
  if (!resolves(service, service.stable)) {
    problems.push_back({place(node, {"stable"}), no_version(service, "stable", service.stable)});
  } else if (service.versions.size() == 2 && !node.has("stable")) {
    problems.push_back(
        {place(node, {"versions"}), fmt::format("two versions, and stable is missing; write stable: {} or stable: {}",
                                                service.versions[0].name, service.versions[1].name)});
  }
}

void check_split(const Service& service, const Node& node, const Split& split, Problems& problems) {
  uint64_t sum = 0;
  bool all_known = !service.versions.empty() && split.shares.size() == node.entries.size();
  for (const auto& [name, share] : split.shares) {
    sum += static_cast<uint32_t>(share);
    if (resolves(service, name)) continue;
    problems.push_back({node.find(name)->where, no_version(service, "split", name)});
    all_known = false;
  }
  const bool must_be_whole = split.shares.size() == service.versions.size() || service.versions.size() == 1;
  if (!all_known || !must_be_whole || sum == static_cast<uint32_t>(kEverybody)) return;
  problems.push_back({node.where, fmt::format("split: the shares make {}, not 100%; leave one version out, and it gets "
                                              "the rest",
                                              share_text(Share{static_cast<uint32_t>(sum)}))});
}

void check_rules(const Service& service, const Node& node, Problems& problems) {
  const Entry* rules = node.find("rules");
  if (rules == nullptr) return;
  std::set<std::string> names;
  for (size_t i = 0; i < service.rules.size(); ++i) {
    const Rule& rule = service.rules[i];
    const Node& written = rules->value.items[i];
    if (!resolves(service, rule.send)) {
      problems.push_back({place(written, {"send"}), no_version(service, "send", rule.send)});
    }
    if (rule.split) check_split(service, written.find("split")->value, *rule.split, problems);
    const std::string name = rule.name.empty() ? fmt::format("rule-{}", i + 1) : rule.name;
    if (names.insert(name).second) continue;
    problems.push_back({place(written, {"name"}),
                        fmt::format("the rule's name {} is here twice in this service; change one", quoted(name))});
  }
}

void check_endpoints(const Version& version, Problems& problems) {
  std::set<std::string> seen;
  for (const Endpoint& endpoint : version.endpoints) {
    if (endpoint.address.text.empty() || seen.insert(endpoint.address.text).second) continue;
    problems.push_back({endpoint.where,
                        fmt::format("the endpoint {} is here twice in this version; keep one", endpoint.address.text)});
  }
}

void check_outlier(const Version& version, const Node& node, Problems& problems) {
  if (!version.outlier || version.outlier->max >= version.outlier->base) return;
  problems.push_back({place(node, {"versions", version.name, "outlier", "max"}),
                      fmt::format("max: {} is shorter than base, {}; write as much or more",
                                  duration_text(version.outlier->max), duration_text(version.outlier->base))});
}

/// A socket's path is no name that a certificate could hold.
void check_version_tls(const Version& version, Problems& problems) {
  if (!version.tls || version.tls->verify != Verify::full || !version.tls->sni.empty()) return;
  for (const Endpoint& endpoint : version.endpoints) {
    if (endpoint.address.kind != Address::Kind::unix_path) continue;
    problems.push_back({version.tls->where,
                        fmt::format("tls: {} has no name to verify; write sni, or verify: ca", endpoint.address.text)});
  }
}

/// Fingerprints are compared byte for byte: one that is written otherwise would never hold.
void check_fingerprints(const Conditions& conditions, Problems& problems) {
  for (const NamedTest& test : conditions.client_cert) {
    const std::string& text = test.test.text;
    if (test.name != "fingerprint" || test.test.kind != ValueTest::Kind::exact) continue;
    if (text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos) continue;
    problems.push_back({test.test.where, "fingerprint: " + quoted(text) +
                                             " is no SHA-256 fingerprint; write its 64 hex digits in lower case, "
                                             "without colons"});
  }
  for (const Conditions& negated : conditions.not_) check_fingerprints(negated, problems);
}

void check_keys(const Service& service, const Node& node, Problems& problems) {
  std::set<std::string> seen;
  for (size_t i = 0; i < service.cohort.keys.size(); ++i) {
    const std::string key = service.cohort.keys[i].text();
    if (seen.insert(key).second) continue;
    problems.push_back({place(node, {"cohort", "key", i}), fmt::format("the key {} is here twice; keep one", key)});
  }
}

/// A prefix that no path can begin with, since paths are matched after they were cleaned.
bool never_matches(std::string_view prefix) {
  if (prefix.find("//") != prefix.npos) return true;
  while (!prefix.empty()) {
    prefix.remove_prefix(1);
    const std::string_view segment = prefix.substr(0, prefix.find('/'));
    if (segment == "." || segment == "..") return true;
    prefix.remove_prefix(segment.size());
  }
  return false;
}

void check_prefix(const std::string& prefix, const Where& where, Problems& problems) {
  if (!never_matches(prefix)) return;
  problems.push_back({where, fmt::format("path_prefix: {} never matches: paths are matched with ., .. and // resolved; "
                                         "write it so",
                                         quoted(prefix))});
}

void check_prefixes(const Conditions& conditions, const Node& node, Problems& problems) {
  if (conditions.path_prefix) check_prefix(*conditions.path_prefix, place(node, {"path_prefix"}), problems);
  const Entry* inner = node.find("not");
  if (inner == nullptr) return;
  for (const Conditions& negated : conditions.not_) check_prefixes(negated, inner->value, problems);
}

}  // namespace

void validate_service(const Service& service, size_t index, const Node& root, Problems& problems) {
  const Node& node = root.find("services")->value.items[index];
  if (node.kind != Node::Kind::map) return;
  check_stable(service, node, problems);
  for (const Version& version : service.versions) {
    check_endpoints(version, problems);
    check_outlier(version, node, problems);
    check_version_tls(version, problems);
  }
  for (const Rule& rule : service.rules) check_fingerprints(rule.when, problems);
  check_keys(service, node, problems);
  if (service.split) check_split(service, node.find("split")->value, *service.split, problems);
  check_rules(service, node, problems);
  if (service.rollout) validate_rollout(service, node, problems);
  for (size_t i = 0; i < service.match.size(); ++i) {
    check_prefix(service.match[i].path_prefix, place(node, {"match", i, "path_prefix"}), problems);
  }
  for (size_t i = 0; i < service.rules.size(); ++i) {
    const Entry* when = node.find("rules")->value.items[i].find("when");
    if (when != nullptr) check_prefixes(service.rules[i].when, when->value, problems);
  }
}

}  // namespace weir::config
