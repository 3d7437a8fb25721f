// Random rules and requests from a vocabulary so small that they often meet.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "tests/routing/given.h"

namespace weir::routing {

class RandomGiven {
 public:
  explicit RandomGiven(uint64_t seed) : random_(seed) {}

  uint64_t number() { return random_(); }
  bool one_in(uint64_t n) { return random_() % n == 0; }

  config::Service service() {
    config::Service service = shop(static_cast<uint32_t>(random_() % 5) * 250'000);
    service.cohort.keys = keys();
    service.cohort.without_key = static_cast<config::WithoutKey>(random_() % 4);
    for (uint64_t i = random_() % 40; i > 0; --i) {
      std::string name = "rule-" + std::to_string(service.rules.size() + 1);
      service.rules.push_back(one_in(3) ? split_rule(name, conditions(2), 500'000)
                                        : send_rule(name, conditions(2), one_in(2) ? "old" : "new"));
    }
    return service;
  }

  Request request() {
    Request request;
    request.method = some({"GET", "HEAD", "POST", "get"});
    request.path = path();
    for (uint64_t i = random_() % 3; i > 0; --i) {
      request.query += (request.query.empty() ? "" : "&") + name() + (one_in(6) ? "" : "=" + value());
    }
    for (uint64_t i = random_() % 4; i > 0; --i)
      request.headers.emplace_back(one_in(2) ? "x-" + name() : "X-" + name(), value());
    for (uint64_t i = random_() % 3; i > 0; --i)
      request.headers.emplace_back("Cookie", name() + "=" + value() + "; uid=" + value());
    if (one_in(3)) request.headers.emplace_back("Accept", "text/html");
    request.client = some({"192.0.2.1", "192.0.2.77", "10.1.2.3", "2001:db8::1", "2001:db8:1:2::9"});
    request.trusted = one_in(2);
    if (one_in(2)) request.headers.emplace_back("X-Region", some({"NZ", "nz", "AU", ""}));
    return request;
  }

  /// At least one condition; `depth` bounds how deep `not` nests.
  config::Conditions conditions(int depth) {
    config::Conditions when;
    for (uint64_t i = 1 + random_() % 2; i > 0; --i) add_condition(when, depth);
    return when;
  }

 private:
  std::string some(std::vector<std::string> from) { return from[random_() % from.size()]; }
  std::string name() { return some({"a", "b", "c"}); }
  std::string value() {
    if (one_in(40)) return std::string(1025, 'a');
    return some({"", "1", "2", "ab", "abc", "b", "7f3a9c2e"});
  }
  std::string path() { return some({"/", "/a", "/a/b", "/a/b/c", "/ab", "//a/./b", "/%61", "/b/../a", "/a%2Fb", "*"}); }

  std::vector<config::CohortKey> keys() {
    using Kind = config::CohortKey::Kind;
    std::vector<config::CohortKey> keys;
    if (one_in(2)) keys.push_back({Kind::header, "X-A"});
    if (one_in(2)) keys.push_back({Kind::cookie, "uid"});
    if (one_in(2)) keys.push_back({Kind::query, "a"});
    if (one_in(6)) keys.push_back({Kind::client_ip, ""});
    return keys;
  }

  config::NamedTest test(const std::string& name) {
    switch (random_() % 4) {
      case 0:
        return value_test(name, Is::exact, value());
      case 1:
        return value_test(name, Is::prefix, some({"", "a", "ab", "1"}));
      case 2:
        return value_test(name, Is::regex, some({"a", "^a", "b$", "(?i)ABC", "[0-9]+", "^$"}));
      default:
        return value_test(name, Is::present, {}, one_in(2));
    }
  }

  void add_condition(config::Conditions& when, int depth) {
    switch (random_() % 9) {
      case 0:
        when.headers.push_back(test("X-" + name()));
        break;
      case 1:
        when.cookies.push_back(test(name()));
        break;
      case 2:
        when.queries.push_back(test(name()));
        break;
      case 3:
        when.methods = {some({"GET", "HEAD"}), some({"POST", "PUT"})};
        break;
      case 4:
        when.path_prefix = some({"/", "/a", "/a/", "/a/b", "/b"});
        break;
      case 5:
        when.path_regex = some({"b", "^/a", "c$", "^/$"});
        break;
      case 6:
        for (const char* block : {"192.0.2.0/25", "192.0.2.64/26", "10.0.0.0/8", "2001:db8::/32", "2001:db8:1::/48"}) {
          if (one_in(2) || when.client_ip.empty()) when.client_ip.push_back(config::parse_cidr(block).value());
        }
        break;
      case 7:
        when.regions = {some({"NZ", "au", "ZZ"})};
        break;
      default:
        if (depth > 0) when.not_ = {conditions(depth - 1)};
    }
  }

  std::mt19937_64 random_;
};

}  // namespace weir::routing
