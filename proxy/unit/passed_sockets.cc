#include "proxy/unit/passed_sockets.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdlib>

namespace weir::unit {

PassedSockets PassedSockets::take() {
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);
  std::vector<Socket> sockets;
  for (int i = 0; i < count; ++i) {
    sockets.push_back({names[i], SD_LISTEN_FDS_START + i});
    std::free(names[i]);
  }
  std::free(names);
  return PassedSockets(std::move(sockets));
}

PassedSockets::Found PassedSockets::find(const std::string& name) const {
  const auto named = [&](const Socket& socket) { return socket.name == name; };
  const auto count = std::ranges::count_if(sockets_, named);
  if (count > 1) {
    return {-1, fmt::format("{} sockets of this name were passed to weir: give each socket unit a FileDescriptorName= "
                            "of its own, with one ListenStream=",
                            count)};
  }
  if (count == 0) {
    std::string others;
    for (const Socket& socket : sockets_) others += (others.empty() ? "" : ", ") + socket.name;
    return {-1, fmt::format("no socket of this name was passed to weir (passed: {}): is a socket unit with "
                            "FileDescriptorName={} enabled and started before weir?",
                            others.empty() ? "none" : others, name)};
  }
  const int fd = std::ranges::find_if(sockets_, named)->fd;
  int listening = 0, type = 0;
  socklen_t size = sizeof listening;
  const bool is_socket = getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0;
  size = sizeof type;
  if (!is_socket || listening == 0 || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM) {
    return {-1, "what was passed under this name is no listening stream socket: write ListenStream=, and Accept=no"};
  }
  return {fd, ""};
}

}  // namespace weir::unit
