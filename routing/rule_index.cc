#include "routing/rule_index.h"

#include <algorithm>
#include <map>
#include <utility>

#include "routing/anchor.h"
#include "routing/path.h"

namespace weir::routing {

using Kind = Condition::Kind;

/// Lists are made in the order of rules. Behind a rule that its anchor alone decides, no later one of the
/// same list can ever be the first to match, so it is left out.
class RuleIndex::Builder {
 public:
  explicit Builder(RuleIndex& index) : index_(index) {}

  void add(uint32_t rule, const Condition& anchor, bool decided) {
    rule_ = rule;
    decided_ = decided;
    switch (anchor.kind) {
      case Kind::exact:
        return add_exact(anchor);
      case Kind::prefix:
        return add_prefix(anchor);
      case Kind::present:
        return append(subject(anchor).present);
      case Kind::regex:
      case Kind::path_regex:
        return add_regex(anchor);
      case Kind::method:
        for (const std::string& method : anchor.texts) add_value(index_.methods_, 0, method);
        index_.any_method_ = true;
        return;
      case Kind::region:
        for (const std::string& region : anchor.texts) add_value(index_.regions_, 0, region);
        costly(Costly::Kind::region, kNoSubject);
        return;
      case Kind::path_prefix:
        return add_path(anchor.text);
      case Kind::client_ip:
        for (const config::Cidr& block : anchor.blocks) add_block(block);
        return;
      case Kind::absent:
      case Kind::not_all:
        break;
    }
  }

  void seal() {
    for (PrefixTable& prefixes : index_.prefixes_) prefixes.seal();
    index_.paths_.seal();
    index_.addresses_.seal();
    for (size_t i = 0; i < index_.costly_.size(); ++i) {
      if (!expressions_[i].empty()) index_.costly_[i].set = std::make_unique<RegexSet>(std::move(expressions_[i]));
    }
  }

 private:
  BySubject& subject(const Condition& anchor) { return index_.by_subject_[anchor.subject]; }

  uint32_t new_list() {
    index_.lists_.emplace_back();
    return static_cast<uint32_t>(index_.lists_.size() - 1);
  }

  void append(uint32_t& list) {
    if (list == kNone) list = new_list();
    if (list >= closed_.size()) closed_.resize(list + 1, false);
    if (closed_[list]) return;
    index_.lists_[list].push_back(rule_);
    closed_[list] = decided_;
  }

  void add_value(ValueTable& table, uint32_t subject, std::string_view value) {
    uint32_t list = table.find(subject, value);
    const bool is_new = list == ValueTable::kNobody;
    append(list);
    if (is_new) table.add(subject, value, list);
  }

  void add_exact(const Condition& anchor) {
    subject(anchor).exact = true;
    add_value(index_.values_, anchor.subject, anchor.text);
  }

  void add_path(const std::string& prefix) {
    uint32_t& list = prefix_lists_.try_emplace({kNoSubject, prefix}, kNone).first->second;
    const bool is_new = list == kNone;
    append(list);
    if (is_new) index_.paths_.add(prefix, list);
  }

  void add_prefix(const Condition& anchor) {
    uint32_t& prefixes = subject(anchor).prefixes;
    if (prefixes == kNone) {
      prefixes = static_cast<uint32_t>(index_.prefixes_.size());
      index_.prefixes_.emplace_back();
    }
    uint32_t& list = prefix_lists_.try_emplace({anchor.subject, anchor.text}, kNone).first->second;
    const bool is_new = list == kNone;
    append(list);
    if (is_new) index_.prefixes_[prefixes].add(anchor.text, list);
  }

  void add_block(const config::Cidr& block) {
    uint32_t& list = block_lists_.try_emplace({block.address, block.length}, kNone).first->second;
    const bool is_new = list == kNone;
    append(list);
    if (is_new) index_.addresses_.add(block, list);
  }

  size_t costly(Costly::Kind kind, uint32_t subject) {
    auto& all = index_.costly_;
    const auto known =
        std::find_if(all.begin(), all.end(), [&](const Costly& c) { return c.kind == kind && c.subject == subject; });
    if (known != all.end()) return static_cast<size_t>(known - all.begin());
    all.push_back({kind, subject, rule_, nullptr, {}});
    expressions_.emplace_back();
    return all.size() - 1;
  }

  void add_regex(const Condition& anchor) {
    const auto kind = anchor.kind == Kind::regex ? Costly::Kind::subject_regex : Costly::Kind::path_regex;
    const size_t at = costly(kind, anchor.subject);
    uint32_t& list = regex_lists_.try_emplace({at, anchor.regex->pattern()}, kNone).first->second;
    const bool is_new = list == kNone;
    append(list);
    if (!is_new) return;
    expressions_[at].push_back(anchor.regex);
    index_.costly_[at].lists.push_back(list);
  }

  RuleIndex& index_;
  uint32_t rule_ = 0;
  bool decided_ = false;
  std::vector<bool> closed_;                                           // by list
  std::map<std::pair<uint32_t, std::string>, uint32_t> prefix_lists_;  // by subject; kNoSubject: the path
  std::map<std::pair<config::IpAddress, int>, uint32_t> block_lists_;
  std::map<std::pair<size_t, std::string>, uint32_t> regex_lists_;
  std::vector<std::vector<std::shared_ptr<const RE2>>> expressions_;  // by costly_
};

RuleIndex::RuleIndex(const std::vector<std::vector<Condition>>& rules, const std::vector<uint32_t>& anchors,
                     size_t subjects)
    : always_(rules.size() / 64 + 1, 0), by_subject_(subjects) {
  Builder builder(*this);
  for (uint32_t rule = 0; rule < rules.size(); ++rule) {
    if (anchors[rule] == kNoAnchor) {
      always_[rule / 64] |= uint64_t{1} << rule % 64;
    } else {
      builder.add(rule, rules[rule][anchors[rule]], rules[rule].size() == 1);
    }
  }
  builder.seal();
}

void RuleIndex::collect_value(const Reading::Found& found, Candidates& candidates) const {
  const BySubject& subject = by_subject_[found.subject];
  if (subject.exact) {
    const uint32_t list = values_.find(found.subject, found.value);
    if (list != ValueTable::kNobody) add_list(list, candidates);
  }
  if (subject.prefixes != kNone) {
    prefixes_[subject.prefixes].visit(found.value, [&](std::string_view, uint32_t list) {
      add_list(list, candidates);
      return false;
    });
  }
  if (subject.present != kNone) add_list(subject.present, candidates);
}

void RuleIndex::collect(Reading& reading, Candidates& candidates) const {
  candidates.begin(always_);
  for (const Reading::Found& found : reading.found()) {
    if (found.subject < by_subject_.size()) collect_value(found, candidates);
  }
  if (any_method_) {
    const uint32_t list = methods_.find(0, reading.request().method);
    if (list != ValueTable::kNobody) add_list(list, candidates);
  }
  if (!paths_.empty()) {
    const std::string_view path = reading.path();
    paths_.visit(path, [&](std::string_view prefix, uint32_t list) {
      if (under_prefix(path, prefix)) add_list(list, candidates);
      return false;
    });
  }
  if (!addresses_.empty()) {
    addresses_.visit(reading.request().client_ip, [&](uint32_t list) { add_list(list, candidates); });
  }
}

void RuleIndex::collect_expressions(const Costly& costly, std::string_view subject, Candidates& candidates) const {
  thread_local std::vector<int> matches;
  costly.set->match(subject, matches);
  for (const int match : matches) add_list(costly.lists[static_cast<size_t>(match)], candidates);
}

void RuleIndex::collect(const Costly& costly, Reading& reading, Candidates& candidates) const {
  candidates.begin_empty(always_.size());
  if (costly.kind == Costly::Kind::region) {
    const uint32_t list = regions_.find(0, reading.region());
    if (list != ValueTable::kNobody) add_list(list, candidates);
  } else if (costly.kind == Costly::Kind::path_regex) {
    collect_expressions(costly, reading.path(), candidates);
  } else {
    for (auto* found = reading.first(costly.subject); found != nullptr; found = reading.next(*found)) {
      collect_expressions(costly, found->value, candidates);
    }
  }
}

}  // namespace weir::routing
