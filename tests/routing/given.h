// Requests and services as tests write them.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "routing/decide.h"
#include "routing/snapshot.h"

namespace weir::routing {

/// A request that owns its text.
struct Request {
  std::string method = "GET";
  std::string host = "shop.example";
  std::string path = "/";
  std::string query;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string client = "192.0.2.1";
  bool trusted = false;

  RequestView view() const {
    fields_.clear();
    for (const auto& [name, value] : headers) fields_.push_back({name, value});
    return {.method = method,
            .host = host,
            .path = path,
            .query = query,
            .fields = fields_,
            .client_ip = config::parse_ip(client).value(),
            .from_trusted_proxy = trusted};
  }

 private:
  mutable std::vector<Field> fields_;
};

inline Request with_header(std::string name, std::string value) {
  Request request;
  request.headers.emplace_back(std::move(name), std::move(value));
  return request;
}
inline Request with_cookie(std::string cookies) { return with_header("Cookie", std::move(cookies)); }
inline Request with_path(std::string path) {
  Request request;
  request.path = std::move(path);
  return request;
}
inline Request with_query(std::string query) {
  Request request;
  request.query = std::move(query);
  return request;
}
inline Request with_method(std::string method) {
  Request request;
  request.method = std::move(method);
  return request;
}
inline Request from(std::string client) {
  Request request;
  request.client = std::move(client);
  return request;
}

using Is = config::ValueTest::Kind;
inline config::NamedTest value_test(std::string name, Is kind, std::string text = {}, bool present = true) {
  return {std::move(name), {kind, std::move(text), present, {}}};
}
inline config::Conditions header_is(std::string name, std::string text, Is kind = Is::exact) {
  config::Conditions when;
  when.headers.push_back(value_test(std::move(name), kind, std::move(text)));
  return when;
}

inline config::Rule send_rule(std::string name, config::Conditions when, std::string version) {
  config::Rule rule;
  rule.name = std::move(name);
  rule.when = std::move(when);
  rule.send = std::move(version);
  return rule;
}
inline config::Rule split_rule(std::string name, config::Conditions when, uint32_t share) {
  config::Rule rule;
  rule.name = std::move(name);
  rule.when = std::move(when);
  rule.split = config::Split{{{"old", config::Share{1'000'000 - share}}, {"new", config::Share{share}}}, {}};
  return rule;
}

inline config::Version version(std::string name, const std::string& endpoint) {
  config::Version version;
  version.name = std::move(name);
  version.endpoints.push_back({config::parse_address(endpoint).value(), {}});
  return version;
}

/// The service of contract §3: old (stable) and new, cookie `uid`, salt `checkout-2026-11`.
inline config::Service shop(uint32_t share = 100'000) {
  config::Service service;
  service.name = "shop";
  service.cohort.keys.push_back({config::CohortKey::Kind::cookie, "uid"});
  service.cohort.salt = "checkout-2026-11";
  service.stable = "old";
  service.versions = {version("old", "127.0.0.1:9001"), version("new", "127.0.0.1:9002")};
  service.split = config::Split{{{"old", config::Share{1'000'000 - share}}, {"new", config::Share{share}}}, {}};
  return service;
}

inline config::Config config_of(std::vector<config::Service> services) {
  config::Config config;
  config.services = std::move(services);
  return config;
}

inline std::shared_ptr<Snapshot> compiled(config::Config config) {
  auto result = compile(std::make_shared<const config::Config>(std::move(config)), Clock());
  if (!result) {
    ADD_FAILURE() << result.problems().front().text();
    return nullptr;
  }
  return result->snapshot;
}
inline std::shared_ptr<Snapshot> compiled(config::Service service) { return compiled(config_of({std::move(service)})); }

inline Decision decide_for(const Snapshot& snapshot, const Request& request, Availability available = {},
                           Chance chance = {}) {
  const RequestView view = request.view();
  return decide(snapshot.services.front(), view, available, chance);
}

}  // namespace weir::routing
