// Listening sockets that weir is started with, by name: sd_listen_fds(3). They stay open as long as weir runs, so
// that a listener can be taken out of the configuration and put back. Control thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace weir::unit {

class PassedSockets {
 public:
  struct Socket {
    std::string name;  // FileDescriptorName= of the socket unit
    int fd = -1;
  };

  PassedSockets() = default;
  explicit PassedSockets(std::vector<Socket> sockets) : sockets_(std::move(sockets)) {}

  /// Takes what the environment tells of (LISTEN_FDS, LISTEN_FDNAMES) out of it. Before there are threads.
  static PassedSockets take();

  const std::vector<Socket>& all() const { return sockets_; }

  /// The one socket of this name; or -1, and why there is none that could be meant.
  struct Found {
    int fd = -1;
    std::string wrong;
  };
  Found find(const std::string& name) const;

 private:
  std::vector<Socket> sockets_;
};

}  // namespace weir::unit
