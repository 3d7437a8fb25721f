#include "proxy/cli/split_text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>
#include <ctime>
#include <vector>

namespace weir::cli {
namespace {

namespace json = boost::json;

const json::value* member(const json::object& object, const char* name) { return object.if_contains(name); }

/// Requests a second, with as many digits as mean something.
std::string rate_text(double rate) { return rate < 10 ? fmt::format("{:.1f}", rate) : fmt::format("{:.0f}", rate); }

double sum_of(const json::object& rates) {
  double sum = 0;
  for (const auto& [version, rate] : rates) sum += rate.is_number() ? rate.to_number<double>() : 0;
  return sum;
}

std::string rates_part(const json::object& effect) {
  const std::string to = text_of(effect, "to");
  const json::object &now = object_of(effect, "rates_now"), &then = object_of(effect, "rates_then");
  const double all = sum_of(now);
  if (all <= 0 || !now.contains(to) || !then.contains(to)) return "no requests now";
  return fmt::format("{} {} → about {} req/s of {}", to, rate_text(number_of(now, to.c_str())),
                     rate_text(number_of(then, to.c_str())), rate_text(all));
}

}  // namespace

std::string text_of(const json::object& object, const char* name) {
  const json::value* value = member(object, name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
}

bool flag_of(const json::object& object, const char* name, bool otherwise) {
  const json::value* value = member(object, name);
  return value != nullptr && value->is_bool() ? value->as_bool() : otherwise;
}

double number_of(const json::object& object, const char* name) {
  const json::value* value = member(object, name);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

const json::object& object_of(const json::object& object, const char* name) {
  static const json::object kNone;
  const json::value* value = member(object, name);
  return value != nullptr && value->is_object() ? value->as_object() : kNone;
}

const json::array& array_of(const json::object& object, const char* name) {
  static const json::array kNone;
  const json::value* value = member(object, name);
  return value != nullptr && value->is_array() ? value->as_array() : kNone;
}

std::string shares_text(const json::value& shares) {
  if (!shares.is_object()) return "";
  std::vector<std::string> parts;
  for (const auto& [version, share] : shares.as_object()) {
    parts.push_back(fmt::format("{} {}", std::string_view(version),
                                share.is_string() ? std::string_view(share.as_string()) : std::string_view("?")));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string local_time(std::string_view rfc3339) {
  std::tm parts{};
  const std::string text(rfc3339);
  if (::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr) return text;
  return fmt::format("{:%F %T}", fmt::localtime(::timegm(&parts)));
}

std::string change_text(const json::object& change) {
  const json::object &before = object_of(change, "before"), &after = object_of(change, "after");
  std::vector<std::string> parts;
  for (const auto& [version, share] : after) {
    const std::string was = text_of(before, std::string(version).c_str()),
                      is = text_of(after, std::string(version).c_str());
    if (was != is) parts.push_back(fmt::format("{} {} → {}", std::string_view(version), was.empty() ? "–" : was, is));
  }
  // Of two versions one says it all.
  if (parts.size() > 1) parts.erase(parts.begin(), parts.end() - 1);
  const bool was_closed = flag_of(change, "closed_before"), is_closed = flag_of(change, "closed_after");
  if (was_closed != is_closed) parts.emplace_back(is_closed ? "closed" : "open again");
  return parts.empty() ? shares_text(after) : fmt::format("{}", fmt::join(parts, ", "));
}

std::string author_text(const json::object& change) {
  const std::string actor = text_of(change, "actor"), by = text_of(change, "by");
  if (actor.empty()) return by;
  return by.empty() ? actor : fmt::format("{} ({})", actor, by);
}

std::string split_text(const json::object& split) {
  std::string text = fmt::format("revision {:.0f}, {}", number_of(split, "revision"),
                                 shares_text(split.contains("shares") ? split.at("shares") : json::value()));
  if (flag_of(split, "closed")) text += ", closed";
  const json::object& last = object_of(split, "last");
  if (last.empty()) return text;
  text += fmt::format(", by {} at {}", author_text(last), local_time(text_of(last, "at")));
  const std::string reason = text_of(last, "reason");
  return reason.empty() ? text : text + ": " + reason;
}

std::string effect_text(const json::object& effect) {
  const std::string to = text_of(effect, "to");
  if (to.empty()) return "moves nobody";
  std::string text =
      fmt::format("moves {} of users {} → {}, none back (buckets {:.0f} … {:.0f}) · {}", text_of(effect, "moved"),
                  text_of(effect, "from"), to, number_of(effect, "first_bucket"), number_of(effect, "last_bucket"),
                  rates_part(effect));
  return array_of(effect, "warnings").empty() ? text + " · ok" : text;
}

}  // namespace weir::cli
