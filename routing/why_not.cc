// Conditions that do not hold, told to a person.
#include "routing/ascii.h"
#include "routing/condition.h"

namespace weir::routing {
namespace {

using Kind = Condition::Kind;

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string subject_name(const Condition& condition) {
  constexpr const char* kNames[] = {"header ", "cookie ", "query ", "client_cert "};
  return kNames[static_cast<size_t>(condition.subject_kind)] + condition.name;
}

template <class Texts>
std::string any_of(const Texts& texts) {
  std::string all;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) all += i + 1 == texts.size() ? " or " : ", ";
    all += texts[i];
  }
  return all;
}

std::string block_text(const config::Cidr& block) {
  const int length = block.address.is_v4() ? block.length - 96 : block.length;
  return block.address.text() + "/" + std::to_string(length);
}

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c & ~0x20);
  }
  return text;
}

std::string regex_fails(const std::string& subject, std::string_view value, const Condition& condition) {
  if (value.size() > kLargestSubject) return subject + " is over " + std::to_string(kLargestSubject) + " bytes";
  return subject + " is " + quoted(value) + ", which does not match " + quoted(condition.regex->pattern());
}

std::string value_fails(const Condition& condition, Reading& reading) {
  const std::string subject = subject_name(condition);
  const Reading::Found* found = reading.first(condition.subject);
  if (found == nullptr) return subject + " is absent";
  if (condition.kind == Kind::regex) return regex_fails(subject, found->value, condition);
  const std::string but = condition.kind == Kind::prefix ? ", which does not begin with " : ", not ";
  return subject + " is " + quoted(found->value) + but + quoted(condition.text);
}

}  // namespace

std::string why_not(const Condition& condition, Reading& reading) {
  switch (condition.kind) {
    case Kind::exact:
    case Kind::prefix:
    case Kind::regex:
    case Kind::present:
      return value_fails(condition, reading);
    case Kind::absent:
      return subject_name(condition) + " is present";
    case Kind::method:
      return "method is " + std::string(reading.request().method) + ", not " + any_of(condition.texts);
    case Kind::path_prefix:
      return "path " + std::string(reading.path()) + " is not under " + condition.text;
    case Kind::path_regex:
      return regex_fails("path", reading.path(), condition);
    case Kind::client_ip: {
      std::vector<std::string> blocks;
      for (const config::Cidr& block : condition.blocks) blocks.push_back(block_text(block));
      return "client " + reading.request().client_ip.text() + " is not in " + any_of(blocks);
    }
    case Kind::region: {
      std::vector<std::string> regions;
      for (const std::string& region : condition.texts) regions.push_back(upper(region));
      return "region is " + std::string(reading.region_as_told()) + ", not " + any_of(regions);
    }
    case Kind::not_all:
      break;
  }
  return "everything under its not holds";
}

}  // namespace weir::routing
