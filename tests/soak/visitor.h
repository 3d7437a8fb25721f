// One client of a soak: goes through every kind of traffic, each request with a token of its own both ways.
#pragma once

#include <atomic>
#include <random>
#include <string>

#include "tests/soak/tally.h"
#include "tests/support/client.h"
#include "tests/support/origin.h"

namespace weir::soak {

/// How an origin of a soak answers: as the target says, with the request's token, in one of the ways of HTTP.
void answer(testing::Turn& turn);

class Visitor {
 public:
  Visitor(std::string edge, unsigned number) : edge_(std::move(edge)), dice_(number + 1), number_(number) {}

  /// Visits until `over`. Requests to shop.example are counted to the last one; those that are left on purpose go
  /// to rough.example.
  Tally visit(const std::atomic<bool>& over);

 private:
  struct Asked {
    std::string bytes, token, method;
  };
  Asked ask(const std::string& way, const std::string& lines = "");
  Asked send_body(const std::string& way);
  bool take(testing::Client& client, const Asked& asked);
  void count(const testing::Response& response, const Asked& asked);
  void keep_alive();
  void pipeline();
  void old_fashioned();
  void byte_by_byte();
  void slow_reader();
  void tunnel();
  void malformed();
  void leave();
  std::string token();

  const std::string edge_;
  std::mt19937 dice_;
  const unsigned number_;
  uint64_t tokens_ = 0;
  Tally tally_;
};

}  // namespace weir::soak
