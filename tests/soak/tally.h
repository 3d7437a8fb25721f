// What the clients of a soak counted themselves, to hold weir's numbers against.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace weir::soak {

struct Tally {
  uint64_t sent = 0;
  uint64_t answered = 0;  // whole, by an origin, with the request's own token
  uint64_t refused = 0;   // whole, by weir itself, with Proxy-Status
  uint64_t cut = 0;       // begun and visibly broken: an endpoint died inside it
  uint64_t lost = 0;      // no answer at all: never right
  uint64_t mixed = 0;     // somebody else's answer, or somebody else's request at the origin: never right
  uint64_t malformed_sent = 0;
  uint64_t left = 0;                  // requests whose client went away on purpose; not in `sent`
  std::array<uint64_t, 6> classes{};  // by status / 100, of what was sent
  std::vector<std::string> findings;  // the first few, in words

  void add(const Tally& other);
  void find(const std::string& what);
  bool adds_up() const { return sent == answered + refused + cut && lost == 0 && mixed == 0; }
  std::string text() const;
};

}  // namespace weir::soak
