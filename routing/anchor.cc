#include "routing/anchor.h"

#include <optional>
#include <string>
#include <unordered_map>

namespace weir::routing {
namespace {

using Kind = Condition::Kind;

/// How many requests meet such a condition, as a rule of thumb; nothing for one that cannot be indexed.
std::optional<uint32_t> weight(const Condition& condition) {
  switch (condition.kind) {
    case Kind::exact:
      return 1;
    case Kind::client_ip:
      return 1;
    case Kind::prefix:
      return condition.text.empty() ? 16 : 2;
    case Kind::path_prefix:
      return condition.text.empty() ? std::nullopt : std::optional<uint32_t>(4);
    case Kind::region:
      return 4;
    case Kind::regex:
    case Kind::path_regex:
      return 8;
    case Kind::present:
      return 16;
    case Kind::method:
      return 64;
    case Kind::absent:
    case Kind::not_all:
      break;
  }
  return std::nullopt;
}

/// The entries of the index that a condition would be found by. An expression is found by its set's one
/// evaluation, however many there are, so it shares its entry with nobody.
std::vector<std::string> entries(const Condition& condition) {
  const std::string subject = std::to_string(condition.subject);
  std::vector<std::string> all;
  switch (condition.kind) {
    case Kind::exact:
      return {"=" + subject + "=" + condition.text};
    case Kind::prefix:
      return {"^" + subject + "^" + condition.text};
    case Kind::present:
      return {"?" + subject};
    case Kind::path_prefix:
      return {"/" + condition.text};
    case Kind::method:
      for (const std::string& method : condition.texts) all.push_back("m" + method);
      return all;
    case Kind::region:
      for (const std::string& region : condition.texts) all.push_back("r" + region);
      return all;
    case Kind::client_ip:
      for (const config::Cidr& block : condition.blocks) {
        all.emplace_back(reinterpret_cast<const char*>(block.address.bytes.data()), block.address.bytes.size());
        all.back() += "/" + std::to_string(block.length);
      }
      return all;
    default:
      return {};
  }
}

class Census {
 public:
  void count(const Condition& condition) {
    for (const std::string& entry : entries(condition)) ++rules_[entry];
  }
  /// Rules found by the same entry; at least 1.
  uint32_t most_shared(const Condition& condition) const {
    uint32_t most = 1;
    for (const std::string& entry : entries(condition)) most = std::max(most, rules_.at(entry));
    return most;
  }

 private:
  std::unordered_map<std::string, uint32_t> rules_;
};

uint32_t choose(const std::vector<Condition>& conditions, const Census& census) {
  uint32_t best = kNoAnchor;
  uint64_t least = ~uint64_t{0};
  for (uint32_t i = 0; i < conditions.size(); ++i) {
    const auto w = weight(conditions[i]);
    if (!w) continue;
    const uint64_t cost = uint64_t{*w} * census.most_shared(conditions[i]);
    if (cost < least) {
      least = cost;
      best = i;
    }
  }
  return best;
}

}  // namespace

std::vector<uint32_t> choose_anchors(const std::vector<std::vector<Condition>>& rules) {
  Census census;
  for (const auto& conditions : rules) {
    for (const Condition& condition : conditions) census.count(condition);
  }
  std::vector<uint32_t> anchors;
  for (const auto& conditions : rules) anchors.push_back(choose(conditions, census));
  return anchors;
}

}  // namespace weir::routing
