// An operator of two services that remembers what it was asked, and answers as a test tells it to.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "proxy/control/operator.h"

namespace weir::admin {

/// Not locked: a test looks at it and changes it on the server's thread.
class FakeOperator : public control::Operator {
 public:
  FakeOperator() {
    control::SplitInForce shop;
    shop.service = "shop";
    shop.revision = 7;
    shop.shares = {{"old", config::Share{900'000}}, {"new", config::Share{100'000}}};
    shop.in_file = shop.shares;
    splits_["shop"] = shop;
    splits_["a/b"] = {.service = "a/b", .shares = {{"only", config::kEverybody}}, .in_file = {}, .last = {}};
  }

  std::optional<control::SplitInForce> split(const std::string& service) const override {
    const auto at = splits_.find(service);
    return at == splits_.end() ? std::nullopt : std::optional(at->second);
  }
  std::vector<control::SplitInForce> splits() const override { return {}; }

  std::vector<control::Change> history(const control::HistoryQuery& query) const override {
    queries.push_back(query);
    std::vector<control::Change> found;
    for (auto at = changes_.rbegin(); at != changes_.rend() && found.size() < query.limit; ++at) {
      const bool asked_for = query.service.empty() || at->service == query.service;
      if (asked_for && (!query.before || at->revision < *query.before)) found.push_back(*at);
    }
    return found;
  }

  void set_split(control::SplitWish wish, Done done) override {
    wishes.push_back(wish);
    answer(std::move(done), [this, wish] { return set(wish); });
  }
  void rollback(control::RollbackWish wish, Done done) override {
    rollbacks.push_back(wish);
    answer(std::move(done),
           [this, wish] { return change(wish.service, config::kNobody, true, wish.author, "rollback"); });
  }
  void reopen(std::string service, std::string reason, control::Author author, Done done) override {
    reopened.push_back(service + ": " + reason);
    answer(std::move(done), [=, this] { return change(service, config::kNobody, false, author, "reopen"); });
  }
  void revert(std::string service, uint64_t revision, std::string, control::Author author, Done done) override {
    reverted.push_back(revision);
    answer(std::move(done), [=, this] { return change(service, config::Share{50'000}, false, author, "revert"); });
  }
  std::optional<std::string> rollout(const std::string&) const override { return std::nullopt; }
  control::RolloutOutcome tell_rollout(const control::RolloutWish&) override { return {}; }
  std::optional<std::string> feedback(const std::string&, const std::string&, size_t) const override {
    return std::nullopt;
  }

  void reload(std::function<void(config::Problems)> done) override { done(problems); }
  void drain() override { drained = true; }
  void upgrade(Upgraded done) override { done(upgraded); }

  uint64_t subscribe(Listen listen) override {
    listeners_[++last_listener_] = std::move(listen);
    return last_listener_;
  }
  void unsubscribe(uint64_t number) override { listeners_.erase(number); }

  /// To everybody who listens.
  void tell(const control::Event& event) {
    const auto listeners = listeners_;
    for (const auto& [number, listen] : listeners) listen(event);
  }
  size_t listeners() const { return listeners_.size(); }
  /// Answers what was held back, oldest first.
  void answer_held() {
    while (!held_.empty()) {
      const auto one = std::move(held_.front());
      held_.pop_front();
      one();
    }
  }

  std::optional<control::Outcome> outcome;  // to every wish, if set
  bool hold = false;                        // answer only at answer_held
  config::Problems problems;                // of every reload
  bool drained = false;
  control::Upgrade upgraded{.begun = true, .process = 4711};
  mutable std::vector<control::HistoryQuery> queries;
  std::vector<control::SplitWish> wishes;
  std::vector<control::RollbackWish> rollbacks;
  std::vector<std::string> reopened;
  std::vector<uint64_t> reverted;

 private:
  void answer(Done done, std::function<control::Outcome()> judge) {
    auto now = [this, done = std::move(done), judge = std::move(judge)] { done(outcome ? *outcome : judge()); };
    if (!hold) return now();
    held_.push_back(std::move(now));
  }

  control::Outcome set(const control::SplitWish& wish) {
    control::Outcome refused;
    refused.split = splits_[wish.service];
    if (wish.if_revision && *wish.if_revision != refused.split.revision) {
      refused.refusal = control::Refusal::stale;
      return refused;
    }
    for (const auto& [version, share] : wish.shares) {
      if (version == "old" || version == "new") continue;
      refused.refusal = control::Refusal::unknown_version;
      refused.field = "shares." + version;
      return refused;
    }
    if (refused.split.closed) {
      refused.refusal = control::Refusal::closed;
      return refused;
    }
    if (wish.dry_run) {
      refused.effect = {.from = "old",
                        .to = "new",
                        .moved = config::Share{150'000},
                        .first_bucket = 100'000,
                        .last_bucket = 249'999,
                        .rates_now = {{"new", 1.5}},
                        .warnings = {"new is small"}};
      return refused;
    }
    return change(wish.service, wish.shares.front().second, false, wish.author, "split");
  }

  control::Outcome change(const std::string& service, config::Share share, bool closed, const control::Author& author,
                          const std::string& kind) {
    control::SplitInForce& split = splits_[service];
    control::Outcome outcome;
    outcome.changed = split.shares.back().second != share || split.closed != closed;
    if (outcome.changed) {
      control::Change made{.service = service, .revision = ++split.revision, .author = author, .kind = kind};
      made.before = split.shares;
      split.closed = closed;
      split.shares.back().second = share;
      split.shares.front().second = config::Share{1'000'000 - static_cast<uint32_t>(share)};
      made.after = split.shares;
      split.last = made;
      changes_.push_back(made);
    }
    outcome.workers = 2;
    outcome.split = split;
    return outcome;
  }

  std::map<std::string, control::SplitInForce> splits_;
  std::vector<control::Change> changes_;
  std::map<uint64_t, Listen> listeners_;
  uint64_t last_listener_ = 0;
  std::deque<std::function<void()>> held_;
};

}  // namespace weir::admin
