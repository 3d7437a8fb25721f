// A weir whose split is changed while it runs, with what is needed to do it.
#pragma once

#include <fmt/format.h>

#include <boost/json.hpp>

#include "tests/e2e/edge.h"

namespace weir::testing {

/// weir before an old and a new origin, with a state directory; the user of `version` is in bucket 66771.
class Operated {
 public:
  explicit Operated(ConfigText config = {}) : old_origin("old"), new_origin("new") {
    config.old_endpoints = {old_origin.address()};
    config.new_endpoints = {new_origin.address()};
    config.salt = "checkout-2026-11";
    config.service.push_back("reveal: all");
    config.top.push_back(fmt::format("state: {{ directory: {} }}", state.path()));
    weir = weir_with(std::move(config));
  }

  static std::string request(const std::string& method, const std::string& target, const std::string& body,
                             const std::string& lines = "") {
    return fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: {}\r\n\r\n{}", method, target, lines,
                       body.size(), body);
  }
  static std::string put_request(const std::string& share, const std::string& if_match = "*") {
    return request("PUT", "/api/v1/services/shop/split", fmt::format(R"({{"shares":{{"new":"{}"}}}})", share),
                   "If-Match: " + if_match + "\r\n");
  }
  Response put(const std::string& share) { return fetch(weir->admin(), put_request(share), "PUT"); }
  Response post(const std::string& what, const std::string& body = "") {
    return fetch(weir->admin(), request("POST", "/api/v1/services/shop/" + what, body), "POST");
  }
  boost::json::object split() {
    return boost::json::parse(weir->admin_get("/api/v1/services/shop/split").body).as_object();
  }
  int64_t revision() { return split().at("revision").to_number<int64_t>(); }
  std::string share() { return std::string(split().at("shares").at("new").as_string()); }
  boost::json::array history(const std::string& query = "?service=shop&limit=10000") {
    return boost::json::parse(weir->admin_get("/api/v1/history" + query).body).at("changes").as_array();
  }
  std::string version(const std::string& lines = "Cookie: uid=7f3a9c2e\r\n") {
    return fetch(weir->edge(), get("/", "shop.example", lines)).body;
  }

  /// Kills it, and starts it again with the same configuration, or another.
  void restart(int signal = SIGKILL) { restart_with(weir->config(), signal); }
  void restart_with(ConfigText config, int signal = SIGKILL, const ProgramOptions& options = {}) {
    weir->program().signal(signal);
    EXPECT_TRUE(weir->program().wait());
    weir = std::make_unique<Weir>(weir_program(), std::move(config), options);
  }

  Directory state;
  Origin old_origin, new_origin;
  std::unique_ptr<Weir> weir;
};

}  // namespace weir::testing
