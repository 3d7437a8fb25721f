// The splits of all services as they are remembered, and what a file or a wish makes of them (contract §3).
//
// Pure: nothing is written here and no clock read; what is decided takes effect by `apply`. Precedence: a
// closed candidate has 0% until it is reopened; else whoever wrote last wins, a file only by another split
// than the one it had when last loaded.
#pragma once

#include <deque>
#include <map>
#include <set>

#include "proxy/control/operator.h"

namespace weir::control {

/// One service, whatever the file says now.
struct Remembered {
  uint64_t revision = 1;
  std::string candidate;         // that the shares were set for; empty: a lone version
  Shares shares;                 // in force
  std::set<std::string> closed;  // versions that were rolled back and not reopened
  std::optional<Shares> file;    // the split as written when last loaded; nothing: none was
  bool by_file = true;           // who wrote last

  friend bool operator==(const Remembered&, const Remembered&) = default;
};

/// A service's next state, and the change that leads to it (none: the split stays as it is).
struct Step {
  std::string service;
  Remembered state;
  std::optional<Change> change;
  std::vector<std::string> told;  // what an operator should know, a sentence each
};

/// What becomes of a wish: a refusal, or a step, or neither (a repeat).
struct Judgement {
  Refusal refusal = Refusal::none;
  std::string detail, field;
  std::optional<Step> step;
};

using Time = std::chrono::system_clock::time_point;

class Splits {
 public:
  /// Entries of history kept of each service.
  static constexpr size_t kKept = 10'000;

  /// Null: never seen.
  const Remembered* find(const std::string& service) const;
  SplitInForce in_force(const config::Service& service) const;
  std::vector<Change> history(const HistoryQuery& query) const;
  const Change* last(const std::string& service) const;

  /// What a file that says this of a service makes of it; nothing where all stays. `author.by`: file, start.
  std::optional<Step> load(const config::Service& service, const Author& author, Time at) const;
  /// Why a file cannot be loaded: it makes a closed version the stable one.
  std::optional<config::Problem> refuses(const config::Service& service) const;

  // The service is in force, so it was loaded.
  Judgement set(const config::Service& service, const SplitWish& wish, Time at) const;
  Judgement rollback(const config::Service& service, const RollbackWish& wish, Time at) const;
  Judgement reopen(const config::Service& service, const std::string& reason, const Author& author, Time at) const;
  Judgement revert(const config::Service& service, uint64_t revision, const std::string& reason, const Author& author,
                   Time at) const;

  void apply(const Step& step);
  /// Of a journal: an older change, whose state does not matter any more.
  void remember(Change change);
  /// Every state, with the changes that led there, oldest first.
  struct Entry {
    Remembered state;
    std::deque<Change> history;
  };
  const std::map<std::string, Entry>& entries() const { return entries_; }

 private:
  std::optional<Shares> shares_after(const Entry& entry, uint64_t revision) const;
  Judgement change_to(const config::Service& service, Shares shares, Change change) const;

  std::map<std::string, Entry> entries_;
};

/// The shares of every version that a file asks for, in its order.
Shares shares_in_file(const config::Service& service);
/// 0 for a version that is not named.
config::Share share_of(const Shares& shares, std::string_view version);
/// Whether both give every version the same.
bool same_shares(const Shares& a, const Shares& b);
/// `old 75%, new 25%`.
std::string shares_text(const Shares& shares);

}  // namespace weir::control
