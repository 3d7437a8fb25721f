#include <fmt/format.h>
#include <gtest/gtest.h>

#include <iostream>
#include <stdexcept>

#include "tests/support/client.h"
#include "tests/support/proxy.h"

namespace weir::testing {
namespace {

/// `timeout NAME value` if the configuration has a value for it, else `otherwise`.
std::string timeout(const std::map<std::string, std::string>& values, const std::string& key, const std::string& name,
                    const std::string& otherwise) {
  auto found = values.find(key);
  return fmt::format("  timeout {} {}\n", name, found == values.end() ? otherwise : found->second);
}

}  // namespace

Haproxy::Haproxy(ConfigText config) : config_(std::move(config)) {
  std::string host = own_loopback();
  if (config_.edge.empty()) config_.edge = fmt::format("{}:{}", host, free_port(host));
  write_file(directory_ / "haproxy.cfg", configuration());
  program_ =
      std::make_unique<Program>("/usr/sbin/haproxy", std::vector<std::string>{"-db", "-f", directory_ / "haproxy.cfg"});
  if (!wait_until([this] { return static_cast<bool>(connect_to(config_.edge)); }))
    throw std::runtime_error("HAProxy did not start:\n" + log());
}

Haproxy::~Haproxy() {
  if (::testing::Test::HasFailure()) std::cerr << "---- HAProxy's log ----\n" << log() << "----\n";
}

std::string Haproxy::log() const { return program_->output() + program_->errors(); }

std::string Haproxy::configuration() const {
  std::string servers;
  for (size_t i = 0; i < config_.old_endpoints.size(); ++i)
    servers += fmt::format("  server s{} {}\n", i, config_.old_endpoints[i]);
  const auto& timeouts = config_.timeouts;
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
      timeout(timeouts, "request_head", "http-request", "10s") +
          timeout(timeouts, "client_idle", "http-keep-alive", "75s") +
          timeout(timeouts, "request_body", "client", "30s") + timeout(timeouts, "connect", "connect", "2s") +
          timeout(timeouts, "response_head", "server", "30s") + timeout(timeouts, "tunnel_idle", "tunnel", "1h"),
      config_.edge, servers);
}

}  // namespace weir::testing
