// `weir demo`: the whole of weir in front of two built-in origins, with something to look at.
#pragma once

#include <string>

namespace weir::demo {

struct Options {
  std::string edge, admin;   // empty: 127.0.0.1:8080 and :9901; the smoke run asks the kernel for ports
  std::string config_file;   // kept if it is there; empty: a new one in a temporary directory
  unsigned visitors = 1000;  // requests a second that the demo sends itself
  bool smoke = false;        // send traffic, check where it went, and end
  bool terminal = false;     // standard output may be redrawn
};

/// Runs until it is interrupted, or until the smoke run ends. Exit code: 0, or 1 after a sentence that
/// says what to do, or 3 if the file that is there is wrong.
int run(const Options& options);

}  // namespace weir::demo
