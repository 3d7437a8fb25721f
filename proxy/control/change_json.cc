#include "proxy/control/change_json.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

namespace weir::control {

namespace json = boost::json;
using std::chrono::system_clock;

namespace {

std::optional<system_clock::time_point> time_of(const std::string& text) {
  std::tm parts{};
  const char* const rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr || *rest != '.') return std::nullopt;
  char* end = nullptr;
  const auto micros = std::strtol(rest + 1, &end, 10);
  if (end - rest != 7 || *end != 'Z') return std::nullopt;
  return system_clock::from_time_t(timegm(&parts)) + std::chrono::microseconds(micros);
}

/// Reads members of one object; remembers whether all were there.
class Members {
 public:
  explicit Members(const json::value& value) : object_(value.if_object()) {}

  std::string text(std::string_view name) {
    const json::value* const found = find(name);
    const json::string* const text = found ? found->if_string() : nullptr;
    complete_ &= text != nullptr;
    return text ? std::string(*text) : std::string();
  }
  uint64_t number(std::string_view name) {
    const json::value* const found = find(name);
    boost::system::error_code error;
    const auto number = found && found->is_number() ? found->to_number<uint64_t>(error) : 0;
    complete_ &= found && found->is_number() && !error;
    return number;
  }
  bool flag(std::string_view name) {
    const json::value* const found = find(name);
    complete_ &= found && found->is_bool();
    return found && found->is_bool() && found->get_bool();
  }
  Shares shares(std::string_view name) {
    const json::value* const found = find(name);
    auto shares = found ? shares_of(*found) : std::nullopt;
    complete_ &= shares.has_value();
    return shares.value_or(Shares{});
  }
  bool complete() const { return complete_; }

 private:
  const json::value* find(std::string_view name) const { return object_ ? object_->if_contains(name) : nullptr; }

  const json::object* object_;
  bool complete_ = true;
};

}  // namespace

std::string time_text(system_clock::time_point at) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(static_cast<std::time_t>(micros / 1'000'000)),
                     micros % 1'000'000);
}

json::object shares_json(const Shares& shares) {
  json::object object;
  for (const auto& [version, share] : shares) object[version] = config::share_text(share);
  return object;
}

std::optional<Shares> shares_of(const json::value& value) {
  const json::object* const object = value.if_object();
  if (!object) return std::nullopt;
  Shares shares;
  for (const auto& [version, text] : *object) {
    const auto share = text.is_string() ? config::parse_share(text.get_string()) : std::nullopt;
    if (!share) return std::nullopt;
    shares.emplace_back(version, *share);
  }
  return shares;
}

json::object change_json(const Change& change) {
  return {{"service", change.service},
          {"revision", change.revision},
          {"at", time_text(change.at)},
          {"actor", change.author.name},
          {"from", change.author.from},
          {"by", change.author.by},
          {"kind", change.kind},
          {"before", shares_json(change.before)},
          {"after", shares_json(change.after)},
          {"closed_before", change.closed_before},
          {"closed_after", change.closed_after},
          {"reason", change.reason}};
}

std::optional<Change> change_of(const json::value& value) {
  Members members(value);
  Change change;
  change.service = members.text("service");
  change.revision = members.number("revision");
  const auto at = time_of(members.text("at"));
  change.author = {members.text("actor"), members.text("from"), members.text("by")};
  change.kind = members.text("kind");
  change.before = members.shares("before");
  change.after = members.shares("after");
  change.closed_before = members.flag("closed_before");
  change.closed_after = members.flag("closed_after");
  change.reason = members.text("reason");
  if (!members.complete() || !at) return std::nullopt;
  change.at = *at;
  return change;
}

}  // namespace weir::control
