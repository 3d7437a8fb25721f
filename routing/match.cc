#include "routing/match.h"

#include <algorithm>

#include "routing/anchor.h"

namespace weir::routing {

using Kind = Condition::Kind;

config::Result<std::shared_ptr<const Matcher>> Matcher::compile(const std::vector<config::Rule>& rules,
                                                                Subjects& subjects) {
  config::Problems problems;
  std::vector<std::vector<Condition>> compiled;
  for (const config::Rule& rule : rules) compiled.push_back(compile_conditions(rule.when, subjects, problems));
  if (!problems.empty()) return problems;
  return std::shared_ptr<const Matcher>(new Matcher(std::move(compiled), subjects.size()));
}

Matcher::Matcher(std::vector<std::vector<Condition>> rules, size_t subjects)
    : rules_(std::move(rules)), anchors_(choose_anchors(rules_)), index_(rules_, anchors_, subjects) {
  for (uint32_t rule = 0; rule < rules_.size(); ++rule) {
    for (const Condition& condition : rules_[rule]) note(condition, rule);
  }
}

void Matcher::note(const Condition& condition, uint32_t rule) {
  for (const Condition& inner : condition.inner) note(inner, rule);
  looks_at_region_ |= condition.kind == Kind::region;
  if (condition.kind != Kind::regex && condition.kind != Kind::path_regex) return;
  const bool known = std::any_of(regex_subjects_.begin(), regex_subjects_.end(),
                                 [&](const RegexSubject& s) { return s.subject == condition.subject; });
  if (!known) regex_subjects_.push_back({condition.subject, rule});
}

bool Matcher::verify(uint32_t rule, Reading& reading) const {
  const std::vector<Condition>& conditions = rules_[rule];
  for (uint32_t i = 0; i < conditions.size(); ++i) {
    if (i != anchors_[rule] && !holds(conditions[i], reading)) return false;
  }
  return true;
}

uint32_t Matcher::first(Reading& reading) const {
  thread_local Candidates candidates;
  const auto verified = [&](uint32_t rule) { return verify(rule, reading); };
  index_.collect(reading, candidates);
  uint32_t best = candidates.first(kNoRule, verified);
  for (const RuleIndex::Costly& costly : index_.costly()) {
    if (costly.first_rule >= best) break;
    index_.collect(costly, reading, candidates);
    best = std::min(best, candidates.first(best, verified));
  }
  return best;
}

const Condition* Matcher::failing(uint32_t rule, Reading& reading) const {
  for (const Condition& condition : rules_[rule]) {
    if (!holds(condition, reading)) return &condition;
  }
  return nullptr;
}

bool Matcher::is_oversized(uint32_t subject, Reading& reading) const {
  if (subject == kNoSubject) return reading.path().size() > kLargestSubject;
  for (const Reading::Found* found = reading.first(subject); found != nullptr; found = reading.next(*found)) {
    if (found->value.size() > kLargestSubject) return true;
  }
  return false;
}

uint16_t Matcher::oversized(Reading& reading, uint32_t last) const {
  uint16_t count = 0;
  for (const RegexSubject& subject : regex_subjects_) {
    if (subject.first_rule <= last && is_oversized(subject.subject, reading)) ++count;
  }
  return count;
}

std::chrono::nanoseconds Matcher::worst_regex_time(const Clock& clock, std::chrono::nanoseconds limit) const {
  std::chrono::nanoseconds worst{0};
  for (const RuleIndex::Costly& costly : index_.costly()) {
    if (costly.set != nullptr) worst = std::max(worst, costly.set->worst_time(clock, limit));
  }
  return worst;
}

}  // namespace weir::routing
