// The splits, kept: in memory, and in the journal where the configuration names a directory.
//
// A step is written (fsync) before it is in force; where that fails nothing changes, but for what must be
// in force all the same (`force`), which is written as soon as that is possible. Control thread.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/control/journal.h"
#include "proxy/control/splits.h"

namespace weir::control {

/// What the weir before handed over: the lock of the state's directory, or where there is none all `records`.
struct Left {
  int lock = -1;
  std::vector<std::string> records;
};

class Store {
 public:
  /// Reads what is remembered and tells the log what was dropped. Problems: as of Journal::open.
  static config::Result<std::unique_ptr<Store>> open(const std::optional<config::State>& state, const Left& left = {});

  const Splits& splits() const { return splits_; }

  /// False: not written, and nothing changed; `error` says why.
  bool commit(const std::vector<Step>& steps);
  /// In force whatever the disk says; `in_force` is called before it is asked. False: it does not outlive the
  /// process (yet).
  bool force(const std::vector<Step>& steps, const std::function<void()>& in_force = {});
  /// Writes what `force` could not; true if nothing is left to write.
  bool catch_up();

  /// Whether changes outlive the process at all.
  bool remembers() const { return journal_ != nullptr; }
  bool behind() const { return behind_; }
  /// To be handed over; -1 if nothing is remembered.
  int lock_descriptor() const { return journal_ ? journal_->lock_descriptor() : -1; }
  /// Everything that is remembered, as `Left` takes it.
  std::vector<std::string> dump() const;
  /// The lock that was handed over is this process' alone from here on.
  void own_lock() {
    if (journal_) journal_->sign();
  }
  /// Grows with each step, so that one can tell whether anything has changed.
  uint64_t steps() const { return steps_; }
  std::string error() const { return journal_ ? journal_->error() : std::string(); }

  /// Changes since the start, by what made them.
  static constexpr std::array<const char*, 5> kSources{"api", "cli", "file", "start", "rollout"};
  uint64_t changes(const std::string& service, const std::string& source) const;

 private:
  explicit Store(std::unique_ptr<Journal> journal) : journal_(std::move(journal)) {}
  size_t read(const std::vector<std::string>& records);
  bool make_good();
  void apply(const std::vector<Step>& steps);
  void compact();
  size_t live_records() const;

  std::unique_ptr<Journal> journal_;  // null: nothing outlives the process
  Splits splits_;
  std::map<std::pair<std::string, std::string>, uint64_t> changes_;
  uint64_t steps_ = 0;
  bool behind_ = false;
};

}  // namespace weir::control
