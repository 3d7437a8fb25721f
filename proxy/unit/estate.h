// What a weir leaves to the one that takes over from it: its listening sockets, its admin's, the lock of its state, and
// what it remembers without a disk. The new process inherits the descriptors; an environment variable says which is
// what. Before there are threads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proxy/unit/passed_sockets.h"

namespace weir::unit {

struct Estate {
  struct Listener {
    std::string address;           // as the configuration writes it
    std::vector<int> descriptors;  // one a worker
    bool shared = false;           // all of them the same queue
  };
  std::vector<Listener> listeners;
  std::vector<PassedSockets::Socket> passed;
  int admin = -1;  // -1 here and below: none
  int state_lock = -1;
  int splits = -1, rollouts = -1;  // files in memory: the records of what no state.directory keeps
  int wire = -1;                   // to the one before (succession.h)

  std::vector<int> descriptors() const;
};

/// `WEIR_ESTATE=…`, as `take_estate` reads it.
std::string environment_of(const Estate& estate);

/// What this process was left, if anything; taken out of the environment and from later programs.
std::optional<Estate> take_estate();

/// A file in memory for records that are lines; -1 (errno).
int make_memory();
/// Replaces what is in it. False: errno.
bool write_memory(int file, const std::vector<std::string>& records);
std::vector<std::string> read_memory(int file);

}  // namespace weir::unit
