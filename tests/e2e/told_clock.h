// A clock that a file tells, for the programs that are started with its options.
#pragma once

#include <fmt/format.h>

#include <chrono>

#include "tests/support/files.h"
#include "tests/support/program.h"

namespace weir::testing {

/// Which clocks it is: that of the day alone, or the one that measures what lasts as well.
enum class Told { of_the_day, every };

class ToldClock {
 public:
  explicit ToldClock(Told told = Told::of_the_day) : told_(told) { set(std::chrono::hours(0)); }

  /// How far ahead of the machine's it is from now on.
  void set(std::chrono::hours ahead) { replace_file(file_, fmt::format("{:+}h\n", ahead.count())); }

  ProgramOptions options() const {
    ProgramOptions options;
    options.environment = {{"LD_PRELOAD", "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"},
                           {"FAKETIME_TIMESTAMP_FILE", file_},
                           {"FAKETIME_NO_CACHE", "1"},
                           {"FAKETIME_DONT_FAKE_MONOTONIC", told_ == Told::every ? "0" : "1"},
                           {"ASAN_OPTIONS", "verify_asan_link_order=0"}};
    return options;
  }

 private:
  const Told told_;
  Directory directory_;
  const std::string file_ = directory_ / "clock";
};

}  // namespace weir::testing
