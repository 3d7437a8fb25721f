// A split that is changed while requests are under way, and what each change's last request on the wrong side was.
#pragma once

#include <string>
#include <vector>

#include "bench/load/tally.h"

namespace weir::load {

/// Moves everybody from old to new and back, by renaming one of two configurations over the file that the proxy
/// watches. Both have long been written: no request waits here for a disk. A request is on the wrong side when it was
/// sent after a rename and answered by the version before it.
class Changes {
 public:
  /// `file`.old and `file`.new are there. Ends the program where a change cannot be made.
  Changes(const std::string& file, Nanos every);

  /// Makes the change that is due, if one is.
  void make_due();
  Nanos next() const { return next_; }
  /// A response of `version` ('o' or 'n') to a request sent then.
  void answered(Nanos sent, char version);

  /// Members of a JSON object, each with a comma behind it: how many changes, and how long after each one's rename the
  /// last request on the wrong side was sent (milliseconds; 0 where there was none).
  std::string told() const;

 private:
  struct Change {
    Nanos renamed;
    Nanos last_wrong{};  // after the rename
  };

  std::string file_;
  Nanos every_, next_{};
  std::vector<Change> changes_;  // the first one is to new
  unsigned long long wrong_ = 0;
};

}  // namespace weir::load
