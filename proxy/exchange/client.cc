#include "proxy/exchange/client.h"

#include <arpa/inet.h>

namespace weir::proxy {

std::string_view Client::peer_text(std::span<char> buffer) const {
  if (!has_peer) return {};
  const int family = peer.is_v4() ? AF_INET : AF_INET6;
  const uint8_t* const bytes = peer.bytes.data() + (peer.is_v4() ? 12 : 0);
  const char* const text = inet_ntop(family, bytes, buffer.data(), static_cast<socklen_t>(buffer.size()));
  return text ? std::string_view(text) : std::string_view{};
}

}  // namespace weir::proxy
