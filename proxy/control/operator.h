// What an operator can do to a running weir, and what is remembered of it: shares, closing, history.
//
// Control thread only. Every change goes: checked -> written to the state (fsync) -> published ->
// in force on every worker -> answered. Nothing is changed by what is refused.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"

namespace weir::control {

/// Who changed something, and by what way it came.
struct Author {
  std::string name;  // X-Weir-Actor, else the peer
  std::string from;  // the peer's address
  std::string by;    // api | cli | file | start
};

/// Share of each version, in the order of the configuration; they sum up to 100%.
using Shares = std::vector<std::pair<std::string, config::Share>>;

/// One change of one service's split.
struct Change {
  std::string service;
  uint64_t revision = 0;  // after it
  std::chrono::system_clock::time_point at;
  Author author;
  std::string kind;  // split | rollback | reopen | revert
  Shares before, after;
  bool closed_before = false, closed_after = false;
  std::string reason;
};

/// A split as it is in force.
struct SplitInForce {
  std::string service;
  uint64_t revision = 1;
  Shares shares;
  bool closed = false;  // the candidate was rolled back and gets nobody
  Shares in_file;       // what the file says
  bool differs_from_file = false;
  std::optional<Change> last;  // nothing if it never changed
};

/// What a change does to whom (contract §4, --dry-run).
struct Effect {
  std::string from, to;                                               // versions; empty: nobody moves
  config::Share moved{};                                              // of all buckets
  uint32_t first_bucket = 0, last_bucket = 0;                         // inclusive; those that move
  std::vector<std::pair<std::string, double>> rates_now, rates_then;  // requests/s by version
  std::vector<std::string> overriding_rules;                          // decide before the split
  std::vector<std::string> warnings;
};

enum class Refusal {
  none,
  unknown_service,   // 404
  unknown_version,   // 404
  bad_share,         // 422
  stale,             // 412: somebody else changed it first
  closed,            // 409
  no_candidate,      // 409: one version only
  unknown_revision,  // 404: nothing to revert to
  not_stored,        // 503: the state cannot be written
  draining,          // 409
  not_now,           // 409: the rollout's state forbids it
};

struct Outcome {
  Refusal refusal = Refusal::none;
  std::string detail;      // a sentence that says what to do
  std::string field;       // of the request, which a bad_share is about
  bool changed = false;    // false: a repeat, or a dry run
  bool remembered = true;  // false: in force, but it does not outlive the process
  SplitInForce split;      // as it is after it (or, refused, as it is)
  Effect effect;
  size_t workers = 0, pending_workers = 0;  // pending: not on the new shares after 1 s
  std::chrono::nanoseconds took{};          // until every worker decided by it
};

struct SplitWish {
  std::string service;
  Shares shares;  // what is not named goes to 0%
  std::string reason;
  Author author;
  std::optional<uint64_t> if_revision;  // nothing: whatever it is now
  bool dry_run = false;
};

struct RollbackWish {
  std::string service, reason;
  Author author;
  std::optional<std::chrono::seconds> close_tunnels;
  bool force = false;  // past a stage of the rollout that has no way back
};

/// A word to a rollout.
struct RolloutWish {
  std::string service;
  std::string command;          // start | pause | resume | approve | skip | abort
  std::optional<size_t> stage;  // at which it must be, from 1; nothing: wherever it is
  std::string reason;
  Author author;
};

struct RolloutOutcome {
  Refusal refusal = Refusal::none;
  std::string detail;  // a sentence
  std::string json;    // the rollout as it is now
};

/// What became of an upgrade.
struct Upgrade {
  std::string wrong;    // why this process serves on; empty: another one does
  bool begun = false;   // the program was started for it
  int64_t process = 0;  // the other one's id
};

struct HistoryQuery {
  std::string service;  // empty: all
  size_t limit = 1000;
  std::optional<uint64_t> before;  // a revision (with a service)
};

/// Something that happened, for server-sent events and the log.
struct Event {
  std::string kind;  // change | rollout | reload | health | drain
  std::string json;  // one line
};

class Operator {
 public:
  using Listen = std::function<void(const Event&)>;
  using Done = std::function<void(Outcome)>;
  virtual ~Operator() = default;

  virtual std::optional<SplitInForce> split(const std::string& service) const = 0;
  virtual std::vector<SplitInForce> splits() const = 0;
  /// Newest first.
  virtual std::vector<Change> history(const HistoryQuery& query) const = 0;

  virtual void set_split(SplitWish wish, Done done) = 0;
  /// The candidate to 0% and closed; also while other changes wait and while the state cannot be written.
  virtual void rollback(RollbackWish wish, Done done) = 0;
  virtual void reopen(std::string service, std::string reason, Author author, Done done) = 0;
  /// Back to the shares that were in force after `revision`.
  virtual void revert(std::string service, uint64_t revision, std::string reason, Author author, Done done) = 0;

  /// The rollout of a service as JSON; nothing if it has none.
  virtual std::optional<std::string> rollout(const std::string& service) const = 0;
  virtual RolloutOutcome tell_rollout(const RolloutWish& wish) = 0;

  /// What users say of a service's versions, as JSON, the newest first; nothing if they are not asked. `version` empty:
  /// of both.
  virtual std::optional<std::string> feedback(const std::string& service, const std::string& version,
                                              size_t limit) const = 0;

  /// Loads the file again; `done` gets every problem (none: it is in force).
  virtual void reload(std::function<void(config::Problems)> done) = 0;
  virtual void drain() = 0;
  /// Starts the program anew and hands over to it.
  using Upgraded = std::function<void(Upgrade)>;
  virtual void upgrade(Upgraded done) = 0;

  /// Calls `listen` at every event from here on, until it is unsubscribed by the number returned.
  virtual uint64_t subscribe(Listen listen) = 0;
  virtual void unsubscribe(uint64_t number) = 0;
};

}  // namespace weir::control
