// The same walk as decide, telling each step: for `weir explain` and the API.
#pragma once

#include <string>
#include <vector>

#include "routing/decide.h"

namespace weir::routing {

/// One rule that was tried, and the first condition of it that failed.
struct RuleStep {
  std::string rule;
  bool matched = false;
  std::string failed;  // e.g. `header X-Staff is absent`; empty if matched
};

struct Explanation {
  std::string service;          // empty: no service answers for this host and path (404)
  std::string match;            // which of the service's matches, as written
  std::string region;           // empty where no region condition exists
  std::vector<RuleStep> rules;  // those tried, in order
  std::string override_from;    // X-Weir-Override or cookie weir_override, where there is one
  std::string override_failed;  // why it counts for nothing; empty if it holds
  bool rule_sends = false;      // the rule that matched names a version, so no bucket was needed
  bool closed = false;          // the candidate was rolled back: nobody goes there
  std::string key;              // `cookie:uid`; empty where none was present
  std::string without_key;      // the service's way for requests that have none
  std::string salt;
  std::string share;  // compared with the bucket; empty where none was
  std::string version;
  std::string candidate;  // empty for a service with one version
  Decision decision;
  std::vector<std::string> endpoints;  // of the version, as written

  /// One line for a tired person (first-minutes.md).
  std::string text() const;
  /// The same as a JSON object.
  std::string json() const;
};

Explanation explain(const Snapshot& snapshot, const RequestView& request, const Availability& available,
                    const Chance& chance);

}  // namespace weir::routing
