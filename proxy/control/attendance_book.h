// How many users each service has, kept in a file from one day to the next.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "routing/rollout/attendance.h"

namespace weir::control {

class AttendanceBook {
 public:
  /// The book of a state directory, as far as it can be read. Nothing is locked: others may read it meanwhile.
  explicit AttendanceBook(const std::string& state_directory);

  /// One more window of a service is over.
  void add(const std::string& service, std::span<const uint64_t> users);
  /// Power loss leaves the file as it was or as it is to be. False: not kept, errno says why.
  bool save() const;

  /// The last whole day of a service; nothing: none is known.
  std::optional<routing::rollout::Attendance> last_day(const std::string& service) const;
  const std::string& file() const { return file_; }

 private:
  struct OfService {
    routing::rollout::Day begun;
    std::optional<routing::rollout::Attendance> whole;
  };
  std::string file_;
  std::map<std::string, OfService> services_;
};

}  // namespace weir::control
