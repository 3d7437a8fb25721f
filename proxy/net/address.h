// Socket addresses: between the kernel's form, the configuration's and IpAddress.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>

#include "config/config.h"

namespace weir::net {

/// A sockaddr with its length: IPv4, IPv6 or a unix path.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  int family() const { return storage.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  std::string text() const;  // `127.0.0.1:80`, `[::1]:80`, `unix:/path`
  uint16_t port() const;
  bool operator==(const SocketAddress& other) const;
};

/// Nothing for a unix address.
std::optional<config::IpAddress> ip_of(const SocketAddress& address);

SocketAddress make_address(const config::IpAddress& ip, uint16_t port);

/// Of an IP literal or a unix path; nothing where the host is a name (that is the resolver's job)
/// or the path is too long for a sockaddr_un.
std::optional<SocketAddress> literal_address(const config::Address& address);

}  // namespace weir::net
