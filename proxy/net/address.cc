#include "proxy/net/address.h"

#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>

namespace weir::net {

namespace {
template <class T>
T view_as(const SocketAddress& address) {
  T out;
  std::memcpy(&out, &address.storage, sizeof out);
  return out;
}

template <class T>
SocketAddress from(const T& native, size_t length = sizeof(T)) {
  SocketAddress out;
  std::memcpy(&out.storage, &native, sizeof native);
  out.length = static_cast<socklen_t>(length);
  return out;
}
}  // namespace

std::optional<config::IpAddress> ip_of(const SocketAddress& address) {
  config::IpAddress ip;
  if (address.family() == AF_INET) {
    const auto v4 = view_as<sockaddr_in>(address);
    ip.bytes[10] = ip.bytes[11] = 0xff;
    std::memcpy(ip.bytes.data() + 12, &v4.sin_addr, 4);
    return ip;
  }
  if (address.family() == AF_INET6) {
    const auto v6 = view_as<sockaddr_in6>(address);
    std::memcpy(ip.bytes.data(), &v6.sin6_addr, 16);
    return ip;
  }
  return std::nullopt;
}

SocketAddress make_address(const config::IpAddress& ip, uint16_t port) {
  if (ip.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, ip.bytes.data() + 12, 4);
    return from(v4);
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  std::memcpy(&v6.sin6_addr, ip.bytes.data(), 16);
  return from(v6);
}

std::optional<SocketAddress> literal_address(const config::Address& address) {
  if (address.kind == config::Address::Kind::host_port) {
    const auto ip = config::parse_ip(address.host);
    if (!ip) return std::nullopt;
    return make_address(*ip, address.port);
  }
  sockaddr_un native{};
  native.sun_family = AF_UNIX;
  if (address.path.size() >= sizeof native.sun_path) return std::nullopt;
  std::memcpy(native.sun_path, address.path.data(), address.path.size());
  return from(native, offsetof(sockaddr_un, sun_path) + address.path.size() + 1);
}

uint16_t SocketAddress::port() const {
  if (family() == AF_INET) return ntohs(view_as<sockaddr_in>(*this).sin_port);
  if (family() == AF_INET6) return ntohs(view_as<sockaddr_in6>(*this).sin6_port);
  return 0;
}

std::string SocketAddress::text() const {
  if (const auto ip = ip_of(*this)) {
    const std::string host = ip->text();
    return (ip->is_v4() ? host : "[" + host + "]") + ":" + std::to_string(port());
  }
  const auto native = view_as<sockaddr_un>(*this);
  return std::string("unix:") + native.sun_path;
}

bool SocketAddress::operator==(const SocketAddress& other) const {
  if (length != other.length || family() != other.family()) return false;
  if (family() == AF_UNIX) return std::memcmp(&storage, &other.storage, length) == 0;
  return ip_of(*this) == ip_of(other) && port() == other.port();
}

}  // namespace weir::net
