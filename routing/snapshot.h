// A configuration compiled for deciding: immutable, shared by all workers.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/parse.h"
#include "routing/bucket.h"

namespace weir::routing {

class Matcher;        // the rules of a service, indexed (match.h)
class ServiceFinder;  // host and path -> service (finder.h)
class Regions;        // sources of regions, opened (region.h)
class Subjects;       // what a service looks at in a request (subjects.h)

struct VersionPlan {
  std::string name;
};

/// What a rule that matches does: send to a version, or split by bucket with a share of its own.
struct RulePlan {
  std::string name;
  std::optional<uint32_t> send;  // version
  config::Share share{};         // the candidate's, where nothing is sent
};

/// One service, compiled. Indices of versions, rules and keys are those of config::Service.
struct ServicePlan {
  std::string name;
  std::vector<VersionPlan> versions;
  uint32_t stable = 0;
  uint32_t candidate = 0;  // == stable for a service with one version
  bool has_candidate = false;
  config::Share share{};  // the candidate's, in force
  bool closed = false;    // the candidate was rolled back: it gets nobody, whatever rules say
  Seed seed{};
  config::Cohort cohort;
  std::shared_ptr<const Matcher> matcher;  // null without rules
  std::vector<RulePlan> rules;
  uint64_t revision = 1;                               // of the split
  std::shared_ptr<const Regions> regions;              // null without sources
  std::shared_ptr<const Subjects> subjects;            // what `matcher` and the cohort keys look at
  std::vector<uint32_t> key_subjects;                  // by cohort key; the minted cookie's, if any, the last
  std::shared_ptr<const std::string> override_secret;  // null: nobody can force a version (override.h)
  uint32_t override_cookie = 0;                        // the cookie's subject, with a secret
};

/// Holds services in the order of the file, so that an index names one in config and here.
struct Snapshot {
  std::shared_ptr<const config::Config> config;
  std::vector<ServicePlan> services;
  std::shared_ptr<const ServiceFinder> finder;

  /// Index of a service by name.
  std::optional<uint32_t> service_index(std::string_view name) const;
};

/// Time as an argument: a monotonic clock, read only to measure regular expressions.
using Clock = std::function<std::chrono::nanoseconds()>;

/// Where a compiled snapshot comes from.
struct Compiled {
  std::shared_ptr<Snapshot> snapshot;
  config::Warnings warnings;  // e.g. a set of expressions with a bad worst time
};

/// Compiles; problems are those only compiling can find (an expression RE2 refuses, an mmdb file
/// that cannot be read). Revisions start at 1; the publisher sets what it knows better.
config::Result<Compiled> compile(std::shared_ptr<const config::Config> config, const Clock& clock);

}  // namespace weir::routing
