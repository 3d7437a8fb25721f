#include "proxy/admin/body.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "config/units.h"
#include "proxy/admin/strict_json.h"

namespace weir::admin {
namespace {

namespace json = boost::json;

constexpr size_t kMaxReason = 1000;
constexpr std::chrono::hours kMaxPatience{24};

std::string_view view_of(const json::string& text) { return {text.data(), text.size()}; }

}  // namespace

Body::Body(std::string_view text, std::initializer_list<std::string_view> known) {
  if (text.empty()) return;
  StrictJson parsed = parse_strictly(text);
  if (!parsed.wrong.empty()) {
    refusal_ = problem(400, parsed.wrong, parsed.field);
    return;
  }
  if (!parsed.value.is_object()) {
    refusal_ = problem(400, "the body must be a JSON object");
    return;
  }
  object_ = std::move(parsed.value.get_object());
  for (const auto& member : object_) {
    const std::string_view key(member.key().data(), member.key().size());
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string takes = known.size() == 0 ? "none" : fmt::format("{}", fmt::join(known, ", "));
    refuse("this resource has no such key; it takes " + takes, key);
  }
}

void Body::refuse(std::string_view detail, std::string_view field) {
  if (!refusal_) refusal_ = problem(422, detail, field);
}

const json::value* Body::find(std::string_view key) const {
  return refusal_ ? nullptr : object_.if_contains({key.data(), key.size()});
}

std::string Body::text(std::string_view key) {
  const json::value* value = find(key);
  if (value == nullptr) return {};
  if (const json::string* text = value->if_string()) return std::string(view_of(*text));
  refuse("must be text", key);
  return {};
}

bool Body::flag(std::string_view key) {
  const boost::json::value* const value = find(key);
  if (value == nullptr) return false;
  if (!value->is_bool()) refuse("must be true or false", key);
  return value->is_bool() && value->get_bool();
}

std::string Body::reason() {
  std::string reason = text("reason");
  if (reason.size() > kMaxReason) refuse(fmt::format("is longer than {} bytes", kMaxReason), "reason");
  if (!is_printable(reason)) refuse("must be one line of text without control characters", "reason");
  return reason;
}

control::Shares Body::shares() {
  control::Shares shares;
  const json::value* value = find("shares");
  const json::object* named = value == nullptr ? nullptr : value->if_object();
  if (named == nullptr || named->empty()) {
    refuse("name a version and its share, as {\"shares\": {\"new\": \"25%\"}}", "shares");
    return shares;
  }
  for (const auto& member : *named) {
    const std::string version(member.key().data(), member.key().size());
    const json::string* text = member.value().if_string();
    const auto share = text == nullptr ? std::nullopt : config::parse_share(view_of(*text));
    if (!share) {
      refuse("a share is text from \"0%\" to \"100%\" with at most four decimals, as \"12.5%\"", "shares." + version);
      continue;
    }
    shares.emplace_back(version, *share);
  }
  return shares;
}

std::optional<std::chrono::seconds> Body::patience(std::string_view key) {
  const json::value* value = find(key);
  if (value == nullptr) return std::nullopt;
  const json::string* text = value->if_string();
  const auto duration = text == nullptr ? std::nullopt : config::parse_duration(view_of(*text));
  if (!duration || *duration > kMaxPatience || duration->count() % 1000 != 0) {
    refuse("a duration is text of whole seconds up to 24h, as \"30s\"", key);
    return std::nullopt;
  }
  return std::chrono::duration_cast<std::chrono::seconds>(*duration);
}

uint64_t Body::revision() {
  const json::value* value = find("revision");
  if (value != nullptr && value->is_int64() && value->get_int64() > 0) {
    return static_cast<uint64_t>(value->get_int64());
  }
  refuse("name the revision to go back to, as {\"revision\": 7}", "revision");
  return 0;
}

std::optional<size_t> Body::stage() {
  const json::value* value = find("stage");
  if (value == nullptr) return std::nullopt;
  if (value->is_int64() && value->get_int64() > 0) return static_cast<size_t>(value->get_int64());
  refuse("is the number of a stage, from 1", "stage");
  return std::nullopt;
}

std::vector<std::string> Body::header_lines() {
  std::vector<std::string> lines;
  const json::value* value = find("headers");
  if (value == nullptr) return lines;
  if (const json::object* headers = value->if_object()) {
    add_headers(*headers, lines);
    return lines;
  }
  const json::array* given = value->if_array();
  if (given == nullptr) refuse("must be an object, or a list of \"Name: value\"", "headers");
  if (refusal_) return lines;
  for (const json::value& line : *given) {
    if (const json::string* text = line.if_string()) {
      lines.emplace_back(view_of(*text));
    } else {
      refuse("a line must be text, as \"Name: value\"", "headers");
    }
  }
  return lines;
}

void Body::add_headers(const json::object& headers, std::vector<std::string>& lines) {
  for (const auto& member : headers) {
    const std::string name(member.key().data(), member.key().size());
    const json::array alone{member.value()};
    const json::array& values = member.value().is_array() ? member.value().get_array() : alone;
    for (const json::value& value : values) {
      if (const json::string* text = value.if_string()) {
        lines.push_back(fmt::format("{}: {}", name, view_of(*text)));
      } else {
        refuse("a header's value must be text, or a list of texts", "headers." + name);
      }
    }
  }
}

}  // namespace weir::admin
