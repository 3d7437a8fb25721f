// A small configuration to start from: one listener, an admin address, the service `shop` with `old` and `new`.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace weir::testing {

/// What a test may say about it. text() makes the YAML; everything unsaid stays at weir's default.
struct ConfigText {
  std::vector<std::string> old_endpoints, new_endpoints;  // `new` is left out if it has none
  std::string edge;                                       // listener's address; empty: chosen when weir starts
  std::string admin;                                      // admin address; empty: chosen when weir starts
  int workers = 1;                                        // 0: left to the default (auto)
  std::string share = "0%";                               // of `new`; empty: no split at all
  std::string salt;                                       // empty: the default (the service's name)
  std::vector<std::string> keys{"cookie:uid", "header:X-User-Id"};
  std::map<std::string, std::string> limits, timeouts;
  std::vector<std::string> listener;  // further lines of the listener, e.g. `trusted_proxies: [127.0.0.1]`
  std::vector<std::string> service;   // further lines of the service, e.g. `reveal: all`
  std::vector<std::string> cohort;    // further lines of its cohort, e.g. `without_key: mint`
  std::vector<std::string> old_version, new_version;  // further lines of a version
  std::vector<std::string> rules;        // entries of the service's rules, e.g. `{ name: a, when: {…}, send: new }`
  std::vector<std::string> top;          // further lines at the top, e.g. `access_log: { path: - }`
  std::vector<std::string> listeners;    // further listeners, e.g. `{ name: b, address: "127.0.0.1:1" }`
  std::vector<std::string> admin_lines;  // further lines of the admin listener
  std::vector<std::pair<std::string, std::string>> replaced;  // pieces of the finished text, by others
  std::vector<std::string> services;                          // further services, in flow style

  std::string text() const;
};

}  // namespace weir::testing
