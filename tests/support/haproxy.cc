#include <fmt/format.h>

#include "tests/support/peer.h"

namespace weir::testing {
namespace {

/// `timeout NAME value` by the first of `keys` that the configuration has a value for, else `otherwise`.
std::string timeout(const std::map<std::string, std::string>& values, const std::vector<std::string>& keys,
                    const std::string& name, const std::string& otherwise) {
  for (const std::string& key : keys)
    if (auto found = values.find(key); found != values.end())
      return fmt::format("  timeout {} {}\n", name, found->second);
  return fmt::format("  timeout {} {}\n", name, otherwise);
}

std::string configuration(const ConfigText& config, const Directory&) {
  std::string servers;
  for (size_t i = 0; i < config.old_endpoints.size(); ++i)
    servers += fmt::format("  server s{} {}\n", i, config.old_endpoints[i]);
  const auto& timeouts = config.timeouts;
  return fmt::format(
      R"(global
  maxconn 4096
  tune.bufsize 65536
  tune.http.maxhdr 200
defaults
  mode http
  option http-keep-alive
  option forwardfor
  http-reuse safe
  retries 1
{}frontend edge
  bind {}
  default_backend old
backend old
{})",
      timeout(timeouts, {"request_head"}, "http-request", "10s") +
          timeout(timeouts, {"client_idle"}, "http-keep-alive", "75s") +
          timeout(timeouts, {"request_body", "response_body"}, "client", "30s") +
          timeout(timeouts, {"connect"}, "connect", "2s") +
          timeout(timeouts, {"response_head", "response_body"}, "server", "30s") +
          timeout(timeouts, {"tunnel_idle"}, "tunnel", "1h"),
      config.edge, servers);
}

}  // namespace

PeerKind haproxy() {
  return {.name = "HAProxy",
          .command =
              [](const Directory&, const std::string& file) {
                return std::vector<std::string>{"/usr/sbin/haproxy", "-db", "-f", file};
              },
          .configuration = configuration};
}

}  // namespace weir::testing
