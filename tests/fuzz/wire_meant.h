// Exchanges made by a grammar: the bytes that a client and an origin send, and what the other side has to see.
#pragma once

#include <random>
#include <string>
#include <utility>
#include <vector>

namespace weir::fuzz {

using Dice = std::mt19937;
using Lines = std::vector<std::pair<std::string, std::string>>;

/// What a message means, apart from how it is written.
struct Meaning {
  std::string first;  // `METHOD target`, or the status
  Lines fields;       // end-to-end fields of the test's own, in order
  std::string body;
  std::vector<int> interim;  // statuses of 1xx heads before a response
};

struct Message {
  std::string bytes;
  Meaning meaning;
  bool last = false;     // the connection of who sends it ends behind it
  bool to_head = false;  // a response without its body
};

/// A request for `target`, written in one of the many right ways.
Message make_request(Dice& dice, const std::string& target);
/// A response to it.
Message make_response(Dice& dice, const Message& request);

}  // namespace weir::fuzz
