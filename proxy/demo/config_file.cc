#include "proxy/demo/config_file.h"

#include <fmt/core.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "config/parse.h"

namespace weir::demo {
namespace {

constexpr const char* kTemplate =
    R"(# The configuration of `weir demo`. Edit it while the demo runs: weir serves every change at once, and tells
# what is wrong with one that it cannot serve.
listeners:
  - name: edge
    address: {edge}
    trusted_proxies: [127.0.0.0/8, "::1"]    # who is believed to be staff, below
    trusted_headers: [X-Staff]
admin:
  address: {admin}
limits: {{ connections: 2000 }}
services:
  - name: shop
    cohort:
      key: [cookie:uid, header:X-User-Id]    # the same user, the same version
      salt: shop-2026-11
    stable: old
    versions:
      old: {{ endpoints: [{old}] }}
      new: {{ endpoints: [{new}] }}
    rules:
      - {{ name: staff, when: {{ header: {{ X-Staff: "1" }} }}, send: new }}
    rollout:                                 # `weir rollout start shop`: 100% in under two minutes, if all is well
      stages: [10%, 25%, 50%, 100%]
      hold: 20s
      soak: 20s
      judge: {{ metrics: [errors] }}
    split: {{ new: 10% }}
    reveal: all                              # answers carry X-Weir-Version and X-Weir-Reason
)";

config::Problems about(const std::string& path, std::string what) {
  return {config::Problem{.where = {.file = path}, .what = std::move(what)}};
}

/// Where a version's only endpoint is, if the demo can play it; else empty.
std::string origin_address(const config::Service& service, const char* version) {
  const auto index = service.version_index(version);
  if (!index || service.versions[*index].endpoints.size() != 1) return "";
  const config::Address& address = service.versions[*index].endpoints.front().address;
  const auto ip = config::parse_ip(address.host);
  const bool loopback = ip && (config::parse_cidr("127.0.0.0/8")->contains(*ip) || address.host == "::1");
  return loopback ? address.text : "";
}

}  // namespace

std::string config_text(const Places& places) {
  return fmt::format(kTemplate, fmt::arg("edge", places.edge), fmt::arg("admin", places.admin),
                     fmt::arg("old", places.old_origin), fmt::arg("new", places.new_origin));
}

config::Result<Places> places_of(const std::string& path) {
  const auto loaded = config::load(path);
  if (!loaded) return loaded.problems();
  const config::Config& config = loaded->config;
  Places places{.edge = config.listeners.front().address.text, .admin = config.admin ? config.admin->address.text : ""};
  for (const config::Service& service : config.services) {
    if (service.name != kService) continue;
    places.old_origin = origin_address(service, kOld);
    places.new_origin = origin_address(service, kNew);
    if (!places.old_origin.empty() && !places.new_origin.empty()) return places;
  }
  return about(path,
               "the demo needs a service `shop` whose versions `old` and `new` have one endpoint each on loopback, "
               "which it plays itself; remove the file and `weir demo` writes a new one");
}

bool replace_file(const std::string& path, const std::string& text) {
  const std::string beside = path + ".new";
  std::ofstream file(beside, std::ios::trunc);
  file << text;
  file.close();
  return file && std::rename(beside.c_str(), path.c_str()) == 0;
}

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace weir::demo
