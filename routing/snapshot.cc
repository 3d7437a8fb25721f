#include "routing/snapshot.h"

#include <algorithm>

#include "routing/finder.h"
#include "routing/match.h"
#include "routing/override.h"
#include "routing/region.h"
#include "routing/rollout/freeze.h"
#include "routing/subjects.h"

namespace weir::routing {
namespace {

/// A set of expressions that takes longer than this for one request is warned of …
constexpr std::chrono::microseconds kSlowRegexes{100};
/// … as far as measuring one set, and compiling in all, takes no longer than this: a reload is not to wait.
constexpr std::chrono::milliseconds kMeasuringOne{5}, kMeasuringAll{50};

class Compiler {
 public:
  Compiler(std::shared_ptr<const config::Config> config, const Clock& clock)
      : config_(std::move(config)), clock_(clock), begin_(clock ? clock() : std::chrono::nanoseconds(0)) {}

  config::Result<Compiled> run() {
    open_regions();
    read_secret();
    auto snapshot = std::make_shared<Snapshot>();
    for (const config::Service& service : config_->services) snapshot->services.push_back(compile(service));
    if (!problems_.empty()) return problems_;
    snapshot->finder = std::make_shared<const ServiceFinder>(config_->services);
    snapshot->config = config_;
    return Compiled{std::move(snapshot), std::move(warnings_)};
  }

 private:
  void open_regions() {
    if (config_->regions.empty()) return;
    auto regions = Regions::open(config_->regions);
    if (regions) {
      regions_ = *regions;
    } else {
      append(regions.problems());
    }
  }

  void read_secret() {
    if (!config_->signed_override) return;
    auto secret = read_override_secret(config_->signed_override->secret_file, config_->signed_override->where);
    if (!secret) return append(secret.problems());
    override_secret_ = std::make_shared<const std::string>(std::move(*secret));
  }

  ServicePlan compile(const config::Service& service) {
    ServicePlan plan;
    plan.name = service.name;
    for (const config::Version& version : service.versions) plan.versions.push_back({version.name});
    plan.stable = static_cast<uint32_t>(service.stable_index());
    plan.has_candidate = service.candidate_index().has_value();
    plan.candidate = static_cast<uint32_t>(service.candidate_index().value_or(plan.stable));
    plan.share = service.candidate_share(service.split);
    plan.cohort = service.cohort;
    if (plan.cohort.salt.empty()) plan.cohort.salt = service.name;
    plan.seed = seed_of(plan.cohort.salt);
    for (const config::Rule& rule : service.rules) plan.rules.push_back(compile(service, rule));
    look_at(service, plan);
    check_freezes(service);
    return plan;
  }

  static RulePlan compile(const config::Service& service, const config::Rule& rule) {
    RulePlan plan;
    plan.name = rule.name;
    if (rule.split) {
      plan.share = service.candidate_share(rule.split);
    } else {
      plan.send = static_cast<uint32_t>(service.version_index(rule.send).value_or(service.stable_index()));
    }
    return plan;
  }

  /// What of a request the service looks at: by its rules first, then by its cohort keys.
  void look_at(const config::Service& service, ServicePlan& plan) {
    auto subjects = std::make_shared<Subjects>();
    if (!service.rules.empty()) {
      auto matcher = Matcher::compile(service.rules, *subjects);
      if (!matcher) return append(matcher.problems());
      plan.matcher = *matcher;
      plan.regions = regions_;
      warn_of_slow_regexes(service, *plan.matcher);
    }
    for (const config::CohortKey& key : plan.cohort.keys) plan.key_subjects.push_back(key_subject(key, *subjects));
    if (plan.cohort.without_key == config::WithoutKey::mint) {
      plan.key_subjects.push_back(subjects->add(SubjectKind::cookie, plan.cohort.mint.cookie));
    }
    plan.override_secret = override_secret_;
    if (override_secret_) plan.override_cookie = subjects->add(SubjectKind::cookie, kOverrideCookie);
    plan.subjects = std::move(subjects);
  }

  static uint32_t key_subject(const config::CohortKey& key, Subjects& subjects) {
    switch (key.kind) {
      case config::CohortKey::Kind::header:
        return subjects.add(SubjectKind::header, key.name);
      case config::CohortKey::Kind::cookie:
        return subjects.add(SubjectKind::cookie, key.name);
      case config::CohortKey::Kind::query:
        return subjects.add(SubjectKind::query, key.name);
      case config::CohortKey::Kind::client_cert:
        return subjects.add(SubjectKind::client_cert, key.name);
      case config::CohortKey::Kind::client_ip:
        break;
    }
    return kNoSubject;
  }

  void warn_of_slow_regexes(const config::Service& service, const Matcher& matcher) {
    if (!clock_ || clock_() - begin_ > kMeasuringAll) return;
    const auto worst = matcher.worst_regex_time(clock_, kMeasuringOne);
    if (worst <= kSlowRegexes) return;
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(worst).count();
    warnings_.push_back({service.where, "services: the regular expressions of \"" + service.name + "\" take up to " +
                                            std::to_string(micros) + " µs for one hostile request; over " +
                                            std::to_string(kSlowRegexes.count()) +
                                            " µs is worth an exact value or a prefix beside them"});
  }

  /// A zone that the system does not know.
  void check_freezes(const config::Service& service) {
    if (!service.rollout) return;
    for (const config::FreezeWindow& window : service.rollout->guards.freeze) {
      if (rollout::Freeze::of(window)) continue;
      problems_.push_back({window.where, "freeze: there is no time zone " + window.zone +
                                             " here; write one of the IANA database, as Europe/Berlin (Debian has it "
                                             "in tzdata)"});
    }
  }

  void append(const config::Problems& found) { problems_.insert(problems_.end(), found.begin(), found.end()); }

  std::shared_ptr<const config::Config> config_;
  const Clock& clock_;
  std::chrono::nanoseconds begin_;
  std::shared_ptr<const Regions> regions_;
  std::shared_ptr<const std::string> override_secret_;
  config::Problems problems_;
  config::Warnings warnings_;
};

}  // namespace

std::optional<uint32_t> Snapshot::service_index(std::string_view name) const {
  const auto found = std::find_if(services.begin(), services.end(), [&](const auto& s) { return s.name == name; });
  if (found == services.end()) return std::nullopt;
  return static_cast<uint32_t>(found - services.begin());
}

config::Result<Compiled> compile(std::shared_ptr<const config::Config> config, const Clock& clock) {
  return Compiler(std::move(config), clock).run();
}

}  // namespace weir::routing
