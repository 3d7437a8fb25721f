#include "routing/explain.h"

#include <fmt/core.h>

#include <boost/json.hpp>

#include "routing/finder.h"
#include "routing/match.h"
#include "routing/reading.h"
#include "routing/settle.h"

namespace weir::routing {
namespace {

std::string match_text(const config::Service& service, uint32_t match) {
  if (match == ServiceFinder::kEverything) return "*";
  const config::ServiceMatch& written = service.match[match];
  const std::string host = written.host.empty() ? "*" : written.host;
  return host + (written.path_prefix.empty() ? "/" : written.path_prefix);
}

/// One rule after another, as the configuration reads; the index has no part in it.
uint32_t walk_rules(const ServicePlan& service, Reading& reading, std::vector<RuleStep>& steps) {
  for (uint32_t rule = 0; rule < service.rules.size(); ++rule) {
    const Condition* failing = service.matcher->failing(rule, reading);
    steps.push_back(
        {service.rules[rule].name, failing == nullptr, failing == nullptr ? "" : why_not(*failing, reading)});
    if (failing == nullptr) return rule;
  }
  return kNone;
}

std::string key_text(const ServicePlan& service, uint32_t key) {
  if (key == kNone) return {};
  return key < service.cohort.keys.size() ? service.cohort.keys[key].text() : "cookie:" + service.cohort.mint.cookie;
}

std::string without_key_text(config::WithoutKey way) {
  switch (way) {
    case config::WithoutKey::stable:
      return "stable";
    case config::WithoutKey::client_ip:
      return "client_ip";
    case config::WithoutKey::mint:
      return "mint";
    case config::WithoutKey::random:
      break;
  }
  return "random";
}

std::string why_ignored(const ReadToken& token) {
  switch (token.is) {
    case TokenIs::malformed:
      return "it is malformed";
    case TokenIs::for_another_service:
      return "it is for another service";
    case TokenIs::of_no_version:
      return "it names a version that does not exist";
    case TokenIs::expired:
      return "it has expired";
    case TokenIs::forged:
      return "its signature is wrong";
    case TokenIs::for_the_closed:
      return "its version is closed";
    case TokenIs::absent:
    case TokenIs::good:
      break;
  }
  return {};
}

void note_override(const Override& found, Explanation& explanation) {
  if (found.token.is == TokenIs::absent) return;
  explanation.override_from = found.from == kOverrideCookie ? "cookie " : "";
  explanation.override_from += found.from;
  explanation.override_failed = why_ignored(found.token);
}

void describe(const config::Service& written, const ServicePlan& service, Explanation& explanation) {
  const Decision& decision = explanation.decision;
  explanation.key = key_text(service, decision.key);
  explanation.salt = service.cohort.salt;
  explanation.version = service.versions[decision.version].name;
  if (decision.bucket) explanation.share = config::share_text(share_for(service, decision.rule));
  explanation.without_key = without_key_text(service.cohort.without_key);
  explanation.closed = service.closed;
  explanation.candidate = service.has_candidate ? service.versions[service.candidate].name : "";
  for (const config::Endpoint& endpoint : written.versions[decision.version].endpoints) {
    explanation.endpoints.push_back(endpoint.address.text);
  }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string all;
  for (const std::string& part : parts) {
    if (!all.empty()) all += separator;
    all += part;
  }
  return all;
}

std::string rule_part(const Explanation& e) {
  if (e.rules.empty()) return {};
  const size_t tried = e.rules.size();
  if (!e.rules.back().matched) return fmt::format("no rule matches ({} tried)", tried);
  return tried == 1 ? "rule " + e.rules.back().rule : fmt::format("rule {} ({} tried)", e.rules.back().rule, tried);
}

/// What was hashed: a key, or what stands in for one.
std::string source_part(const Explanation& e) {
  if (!e.key.empty()) return e.key;
  if (e.decision.mint) return "no key, an identity is minted";
  if (e.without_key == "mint") return "no key, and nothing is minted for what is no page";
  if (e.without_key == "random") return "no key, at random";
  return "no key, without_key: " + e.without_key;
}

std::string bucket_part(const Explanation& e) {
  const auto bucket = static_cast<uint32_t>(*e.decision.bucket);
  const auto share = static_cast<uint32_t>(*config::parse_share(e.share));
  return fmt::format("bucket {} {} {} ({})", bucket, bucket < share ? "<" : "≥", share, e.share);
}

bool is_forced(const Explanation& e) { return !e.override_from.empty() && e.override_failed.empty(); }

/// From the override, the rule that sends, or from the key, to the version.
std::string way_part(const Explanation& e) {
  std::vector<std::string> steps;
  if (is_forced(e)) {
    steps.push_back("override by " + e.override_from);
  } else if (e.rule_sends) {
    steps.push_back(rule_part(e));
  } else {
    steps.push_back(e.candidate.empty() ? "one version" : source_part(e));
  }
  const bool may_go_anywhere = e.decision.by == DecidedBy::rule || e.decision.by == DecidedBy::override_;
  if (e.closed && !may_go_anywhere) {
    steps.push_back(e.candidate + " is closed, rolled back");
  } else if (e.decision.bucket) {
    steps.push_back(bucket_part(e));
  }
  if (e.decision.by == DecidedBy::fallback) steps.push_back(e.candidate + " has no endpoint, fallback");
  steps.push_back(e.version);
  return join(steps, " → ");
}

boost::json::array steps_json(const std::vector<RuleStep>& rules) {
  boost::json::array steps;
  for (const RuleStep& step : rules) {
    boost::json::object o{{"rule", step.rule}, {"matched", step.matched}};
    if (!step.matched) o["failed"] = step.failed;
    steps.push_back(std::move(o));
  }
  return steps;
}

boost::json::value text_or_null(const std::string& text) {
  return text.empty() ? boost::json::value() : boost::json::value(text);
}

}  // namespace

Explanation explain(const Snapshot& snapshot, const RequestView& request, const Availability& available,
                    const Chance& chance) {
  Explanation explanation;
  const auto found = snapshot.finder->find(request.host, request.path);
  if (!found) return explanation;
  const ServicePlan& service = snapshot.services[found->service];
  const config::Service& written = snapshot.config->services[found->service];
  explanation.service = service.name;
  explanation.match = match_text(written, found->match);

  Reading reading;
  reading.read(*service.subjects, service.regions.get(), request);
  Decision& decision = explanation.decision;
  const Override forcing = find_override(service, reading);
  note_override(forcing, explanation);
  if (!force(forcing, decision) && service.matcher != nullptr) {
    decision.rule = walk_rules(service, reading, explanation.rules);
    decision.oversized_subjects = service.matcher->oversized(reading, decision.rule);
    if (service.matcher->looks_at_region()) explanation.region = std::string(reading.region_as_told());
    explanation.rule_sends = decision.rule != kNone && service.rules[decision.rule].send.has_value();
  }
  settle(service, reading, available, chance, decision);
  describe(written, service, explanation);
  return explanation;
}

std::string Explanation::text() const {
  if (service.empty()) return "no service answers for this host and path → 404";
  std::vector<std::string> parts{service};
  if (!override_failed.empty()) parts.push_back(override_from + " is ignored: " + override_failed);
  if (!rules.empty() && !rule_sends) parts.push_back(rule_part(*this));
  parts.push_back(way_part(*this));
  return join(parts, " · ") + ", " + join(endpoints, " ");
}

std::string Explanation::json() const {
  if (service.empty()) return boost::json::serialize(boost::json::object{{"service", nullptr}, {"status", 404}});
  boost::json::object o{{"service", service}, {"match", match}, {"rules", steps_json(rules)}};
  if (!region.empty()) o["region"] = region;
  if (!override_from.empty()) {
    o["override"] = boost::json::object{{"from", override_from}, {"ignored", text_or_null(override_failed)}};
  }
  o["rule"] = !rules.empty() && rules.back().matched ? boost::json::value(rules.back().rule) : boost::json::value();
  o["key"] = text_or_null(key);
  o["salt"] = salt;
  o["bucket"] = decision.bucket ? boost::json::value(static_cast<uint32_t>(*decision.bucket)) : boost::json::value();
  o["share"] = text_or_null(share);
  o["version"] = version;
  o["closed"] = closed;
  o["decided_by"] = decided_by_text(decision.by);
  o["mints"] = decision.mint;
  o["oversized_subjects"] = decision.oversized_subjects;
  o["endpoints"] = boost::json::array(endpoints.begin(), endpoints.end());
  o["text"] = text();
  return boost::json::serialize(o);
}

}  // namespace weir::routing
