#include "tests/soak/tally.h"

#include <fmt/format.h>

namespace weir::soak {

namespace {
constexpr size_t kFindings = 10;
}

void Tally::add(const Tally& other) {
  sent += other.sent, answered += other.answered, refused += other.refused, cut += other.cut;
  lost += other.lost, mixed += other.mixed, malformed_sent += other.malformed_sent, left += other.left;
  for (size_t i = 0; i < classes.size(); ++i) classes[i] += other.classes[i];
  for (const std::string& finding : other.findings) find(finding);
}

void Tally::find(const std::string& what) {
  if (findings.size() < kFindings) findings.push_back(what);
}

std::string Tally::text() const {
  return fmt::format(
      "sent {} = answered {} + refused {} + visibly cut {} (+ lost {}, mixed up {}); besides: {} clients left, {} "
      "malformed",
      sent, answered, refused, cut, lost, mixed, left, malformed_sent);
}

}  // namespace weir::soak
