// What happened: the history of changes, and events as they come.
#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "proxy/admin/route.h"
#include "proxy/control/change_json.h"

namespace weir::admin {
namespace {

namespace json = boost::json;

constexpr uint64_t kMaxLimit = 10'000;

std::optional<uint64_t> number(const std::string& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Fills the query; the refusal if it makes no sense.
std::optional<Response> read_query(const Asked& asked, control::HistoryQuery& query) {
  if (auto refusal = refuse_parameters(asked, {"service", "limit", "before"})) return refusal;
  query.service = parameter(asked, "service").value_or("");
  if (const auto text = parameter(asked, "limit")) {
    const auto limit = number(*text);
    if (!limit || *limit == 0 || *limit > kMaxLimit) return problem(422, "a number from 1 to 10000", "limit");
    query.limit = *limit;
  }
  if (const auto text = parameter(asked, "before")) {
    query.before = number(*text);
    if (!query.before) return problem(422, "a revision, as before=7", "before");
    if (query.service.empty()) return problem(422, "a revision is one of a service: add service=NAME", "before");
  }
  return std::nullopt;
}

}  // namespace

void history(const Asked& asked, const Answer& answer) {
  control::HistoryQuery query;
  if (const auto refusal = read_query(asked, query)) return answer(*refusal);
  const std::vector<control::Change> changes = asked.control().history(query);
  if (changes.empty() && !query.service.empty() && !query.before && !asked.control().split(query.service)) {
    return answer(problem(404, "there is no service of this name, and none is remembered", "service"));
  }
  json::array all;
  for (const control::Change& change : changes) all.push_back(control::change_json(change));
  answer(json_answer(200, {{"changes", std::move(all)}}));
}

void events(const Asked& asked, const Answer& answer) {
  if (const auto refusal = refuse_parameters(asked, {})) return answer(*refusal);
  Response response{200, "text/event-stream", "retry: 2000\n\n", {}};
  response.events = true;
  answer(std::move(response));
}

}  // namespace weir::admin
