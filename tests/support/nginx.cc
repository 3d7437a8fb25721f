#include <fmt/format.h>

#include "tests/support/peer.h"

namespace weir::testing {
namespace {

/// `key value;` if the configuration has a value for it, in nginx's units.
std::string setting(const std::map<std::string, std::string>& values, const std::string& name,
                    const std::string& directive) {
  auto found = values.find(name);
  if (found == values.end()) return "";
  std::string value = found->second;
  for (const char* unit : {"KiB", "MiB"})
    if (size_t at = value.find(unit); at != std::string::npos) value = value.substr(0, at + 1);
  if (value.ends_with('B')) value.pop_back();
  return fmt::format("    {} {};\n", directive, value);
}

std::string configuration(const ConfigText& config, const Directory& directory) {
  std::string endpoints;
  for (const std::string& endpoint : config.old_endpoints) endpoints += fmt::format("    server {};\n", endpoint);
  const auto &limits = config.limits, &timeouts = config.timeouts;
  std::string settings =
      setting(limits, "request_body", "client_max_body_size") +
      setting(timeouts, "request_head", "client_header_timeout") +
      setting(timeouts, "request_body", "client_body_timeout") + setting(timeouts, "client_idle", "keepalive_timeout") +
      setting(timeouts, "connect", "proxy_connect_timeout") + setting(timeouts, "response_body", "send_timeout") +
      setting(timeouts, timeouts.contains("response_head") ? "response_head" : "response_body", "proxy_read_timeout");
  if (!limits.contains("request_body")) settings += "    client_max_body_size 0;\n";
  return fmt::format(R"(daemon off;
master_process off;
pid {0}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/f; uwsgi_temp_path {0}/u; scgi_temp_path {0}/s;
  underscores_in_headers on; merge_slashes off; large_client_header_buffers 4 64k;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  upstream old {{
{1}    keepalive 64;
  }}
  server {{
    listen {2};
{3}    location / {{
      proxy_pass http://old;
      proxy_http_version 1.1;
      proxy_request_buffering off; proxy_buffering off;
      proxy_set_header Host $http_host;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header X-Forwarded-For $remote_addr;
    }}
  }}
}}
)",
                     directory.path(), endpoints, config.edge, settings);
}

}  // namespace

PeerKind nginx() {
  return {.name = "nginx",
          .command =
              [](const Directory& directory, const std::string& file) {
                return std::vector<std::string>{"/usr/sbin/nginx", "-p", directory.path(), "-e", "stderr", "-c", file};
              },
          .configuration = configuration};
}

}  // namespace weir::testing
