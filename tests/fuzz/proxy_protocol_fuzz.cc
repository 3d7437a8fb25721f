// The PROXY header: never more than its bytes, and partial until its last one.
#include <vector>

#include "proxy/net/proxy_protocol.h"
#include "tests/fuzz/invariant.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  using weir::fuzz::hold;
  using State = weir::net::ProxyHeader::State;
  const std::vector<char> exact(data, data + size);
  const auto header = weir::net::read_proxy_header({exact.data(), exact.size()});
  if (header.state != State::complete) return 0;
  hold(header.size > 0 && header.size <= size, "a header is within its bytes");
  for (size_t cut = 0; cut < header.size; cut += 1 + header.size / 64) {
    const std::vector<char> part(data, data + cut);
    hold(weir::net::read_proxy_header({part.data(), part.size()}).state == State::partial, "a cut header is partial");
  }
  const std::vector<char> alone(data, data + header.size);
  const auto again = weir::net::read_proxy_header({alone.data(), alone.size()});
  hold(again.state == State::complete && again.size == header.size && again.source == header.source,
       "what stands behind a header does not change it");
  return 0;
}
