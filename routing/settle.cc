#include "routing/settle.h"

#include "routing/ascii.h"
#include "routing/client_key.h"
#include "routing/split.h"

namespace weir::routing {
namespace {

void by_hash(const ServicePlan& service, uint64_t hash, DecidedBy by, Decision& decision) {
  const Bucket bucket = bucket_of_hash(hash);
  decision.user = hash;
  decision.bucket = bucket;
  decision.by = by;
  decision.version = in_candidate(bucket, share_for(service, decision.rule)) ? service.candidate : service.stable;
}

/// The first cohort key that is present and not empty; a minted cookie is implicitly the last one.
bool by_key(const ServicePlan& service, const Reading& reading, Decision& decision) {
  ClientKeyText text;
  for (uint32_t i = 0; i < service.key_subjects.size(); ++i) {
    std::string_view key;
    if (service.key_subjects[i] == kNoSubject) {
      key = client_key(reading.request().client_ip, text);
    } else if (const Reading::Found* found = reading.first(service.key_subjects[i])) {
      key = found->value;
    }
    if (key.empty()) continue;
    decision.key = i;
    by_hash(service, hash_of(key, service.seed), DecidedBy::split, decision);
    return true;
  }
  return false;
}

/// Whether `media` is among what `Accept` names (RFC 9110 §12.5.1); weights are not looked at.
bool names_media(std::string_view accept, std::string_view media) {
  while (!accept.empty()) {
    const size_t comma = accept.find(',');
    std::string_view range = accept.substr(0, comma);
    accept = comma == std::string_view::npos ? std::string_view() : accept.substr(comma + 1);
    if (equal_without_case(trim(range.substr(0, range.find(';'))), media)) return true;
  }
  return false;
}

/// A person's browser going to a page: its answer can carry an identity. `Sec-Fetch-Mode` decides where it
/// is sent (W3C Fetch Metadata), so that a script's fetch of text/html gets none.
bool navigates(const RequestView& request) {
  if (request.method != "GET") return false;
  bool accepts_html = false;
  for (const Field& field : request.fields) {
    if (equal_without_case(field.name, "sec-fetch-mode")) return trim(field.value) == "navigate";
    accepts_html |= equal_without_case(field.name, "accept") && names_media(field.value, "text/html");
  }
  return accepts_html;
}

void without_key(const ServicePlan& service, const Reading& reading, const Chance& chance, Decision& decision) {
  decision.version = service.stable;
  decision.by = DecidedBy::without_key;
  switch (service.cohort.without_key) {
    case config::WithoutKey::stable:
      return;
    case config::WithoutKey::client_ip: {
      ClientKeyText text;
      const std::string_view key = client_key(reading.request().client_ip, text);
      return by_hash(service, hash_of(key, service.seed), DecidedBy::without_key, decision);
    }
    case config::WithoutKey::mint: {
      if (!navigates(reading.request())) return;
      decision.mint = true;
      decision.identity = make_identity(chance.identity_high, chance.identity_low);
      const uint64_t hash = hash_of(decision.identity.text(), service.seed);
      return by_hash(service, hash, DecidedBy::without_key, decision);
    }
    case config::WithoutKey::random:
      return by_hash(service, chance.dice, DecidedBy::without_key, decision);
  }
}

/// A candidate that was rolled back, whoever names it.
bool closed(const ServicePlan& service, uint32_t version) { return service.closed && version == service.candidate; }

/// The version before anybody asks whether it has an endpoint.
void choose(const ServicePlan& service, const Reading& reading, const Chance& chance, Decision& decision) {
  if (decision.by == DecidedBy::override_) return;  // a token for a closed candidate never gets this far
  const auto sends = decision.rule == kNone ? std::nullopt : service.rules[decision.rule].send;
  if (sends && !closed(service, *sends)) {
    decision.version = *sends;
    decision.by = DecidedBy::rule;
    return;
  }
  if (!service.has_candidate) {
    decision.version = service.stable;
    decision.by = DecidedBy::split;
    return;
  }
  if (!by_key(service, reading, decision)) without_key(service, reading, chance, decision);
}

}  // namespace

config::Share share_for(const ServicePlan& service, uint32_t rule) {
  if (service.closed) return config::kNobody;
  return rule == kNone ? service.share : service.rules[rule].share;
}

bool force(const Override& found, Decision& decision) {
  if (found.token.is != TokenIs::good) return false;
  decision.version = found.token.version;
  decision.by = DecidedBy::override_;
  return true;
}

void settle(const ServicePlan& service, const Reading& reading, const Availability& available, const Chance& chance,
            Decision& decision) {
  choose(service, reading, chance, decision);
  // Only ever towards the stable version: weir moves nobody to the candidate by itself.
  if (decision.version != service.stable && !available.up[decision.version]) {
    decision.version = service.stable;
    decision.by = DecidedBy::fallback;
  }
}

}  // namespace weir::routing
