// An append-only file of records that outlives the process: a line each, behind its checksum.
//
// A record is kept once `append` has returned true (fdatasync). Power loss or a kill in the middle of a
// write leaves the records before it; what is found damaged is left out and told. Control thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/problem.h"

namespace weir::control {

class Journal {
 public:
  /// What a directory held when it was opened.
  struct Found {
    std::unique_ptr<Journal> journal;
    std::vector<std::string> records;
    std::vector<std::string> told;  // what was dropped, a sentence each
  };

  /// Makes the directory if it is not there and locks it. Problems: it cannot be made or read, or another
  /// weir has it. A disk that cannot be *written* is found by the first `append`. `lock`: the lock that the weir
  /// before handed over (it is the caller's no more), or -1.
  static config::Result<Found> open(const std::string& directory, int lock = -1);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Adds records (no line breaks in them). False: none of them is kept, `error` says why.
  bool append(const std::vector<std::string>& records);
  /// These instead of all there are: written beside, then renamed over. False: all is as it was.
  bool rewrite(const std::vector<std::string>& records);

  /// After a failed write nobody knows what the kernel holds of it: only `rewrite` makes the file good again.
  bool in_doubt() const { return in_doubt_; }
  /// Lines in the file.
  size_t size() const { return lines_; }
  /// Writes this process' id into the lock's file, which only people read. Not before a lock that was handed over is
  /// this process' alone.
  void sign();
  /// What keeps the directory locked as long as it is open, in another process too.
  int lock_descriptor() const { return lock_; }
  /// Why the last write failed.
  const std::string& error() const { return error_; }

 private:
  explicit Journal(std::string directory) : directory_(std::move(directory)) {}
  config::Problems lock();
  config::Problems read(Found& found);
  bool failed(const std::string& what);
  bool cut_back();

  std::string directory_;
  std::string error_;
  int lock_ = -1;
  int file_ = -1;
  size_t bytes_ = 0;  // of the file, all good
  size_t lines_ = 0;
  bool in_doubt_ = false;
};

}  // namespace weir::control
