// A program under test: started by fork and exec, its output in files, ended by its id.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/files.h"
#include "tests/support/patience.h"

namespace weir::testing {

struct ProgramOptions {
  std::vector<std::pair<std::string, std::string>> environment;  // added to ours
  std::string input;                                             // its standard input
  std::string directory;                                         // where it runs; empty: here
  unsigned descriptors = 0;                                      // RLIMIT_NOFILE; 0: ours
  bool io_uring = true;                                          // false: the kernel refuses it
};

/// How a program ended: its exit code, or the signal that killed it.
struct Exit {
  int code = -1;
  int signal = 0;
};

/// What a sanitizer reports in what a program wrote, from there on; empty: nothing.
std::string sanitizer_report(const std::string& written);

/// Started by the constructor; killed and waited for by the destructor, in which a test fails whose program crashed
/// or has a sanitizer's report, whatever the test itself looked at.
class Program {
 public:
  Program(const std::string& path, const std::vector<std::string>& arguments, const ProgramOptions& options = {});
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  pid_t id() const { return id_; }
  bool running();
  void signal(int number);
  /// Waits for its end; nothing if it still runs after `patience`.
  std::optional<Exit> wait(Duration patience = kPatience);

  /// What it has written so far.
  std::string output() const;
  std::string errors() const;
  /// False if neither output nor errors contain `text` within `patience`.
  bool wait_for_text(std::string_view text, Duration patience = kPatience);

  /// Memory it holds now (VmRSS), and descriptors it has open.
  size_t resident_bytes() const;
  size_t open_descriptors() const;

 private:
  Directory directory_;
  pid_t id_ = -1;
  std::optional<Exit> exit_;
};

struct Finished {
  int code = -1;  // -1: killed by a signal, or did not end in time
  std::string output, errors;
};

/// Runs a program to its end.
Finished run(const std::string& path, const std::vector<std::string>& arguments, const ProgramOptions& options = {},
             Duration patience = kPatience * 4);

}  // namespace weir::testing
