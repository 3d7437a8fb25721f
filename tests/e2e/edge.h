// What the tests of this room share: a proxy before one origin, and the three verdicts of http-cases.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "tests/support/client.h"
#include "tests/support/origin.h"
#include "tests/support/places.h"
#include "tests/support/proxy.h"

namespace weir::testing {

/// One origin, as the stable version of `shop`, behind the proxy under test (weir, or WEIR_E2E_PEER).
class Edge {
 public:
  explicit Edge(Script script = ok("served"), ConfigText config = {}) : origin(std::move(script)) {
    config.old_endpoints = {origin.address()};
    proxy = start_proxy(weir_program(), config);
  }

  std::string address() const { return proxy->edge(); }
  Client client(const ConnectOptions& options = {}) const { return Client(address(), options); }
  Response fetch(const std::string& request, std::string_view method = "GET") const {
    return testing::fetch(address(), request, method);
  }

  Origin origin;
  std::unique_ptr<Proxy> proxy;
};

/// weir itself before any number of origins; for what only weir has.
inline std::unique_ptr<Weir> weir_with(ConfigText config) {
  return std::make_unique<Weir>(weir_program(), std::move(config));
}

/// A parameter of a test that is told by its name alone: what it holds may be anything.
struct Named {
  std::string name, text;
};
inline void PrintTo(const Named& one, std::ostream* out) { *out << one.name; }
inline std::string name_of_named(const ::testing::TestParamInfo<Named>& info) { return info.param.name; }

/// What a proxy did with the bytes of one client connection.
struct Outcome {
  int status = 0;  // of the first response; 0: closed without one
  bool one_response = true;
  Response first;
  std::string rest;  // what came behind the first response
};

/// Sends `bytes`, then a whole request as a smuggler's bait, and half-closes; reads until the proxy closes.
Outcome put(const Edge& edge, std::string_view bytes);

/// Refuse: 4xx, 501 or 505 or closing, and nothing complete at the origin, and nothing more read as a request.
/// `status` 0: any of these.
void expect_refused(Edge& edge, std::string_view bytes, int status = 0);
/// Forward: exactly one well-formed request, which is returned.
Request expect_forwarded(Edge& edge, std::string_view bytes);
/// Refused, or forwarded with one reading: a body of `body`.
void expect_safe(Edge& edge, std::string_view bytes, std::string_view body);

}  // namespace weir::testing
