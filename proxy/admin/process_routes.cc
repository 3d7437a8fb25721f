// What is done to weir as a whole: loading its file again, upgrading, draining.
#include <boost/json.hpp>

#include "proxy/admin/body.h"
#include "proxy/admin/route.h"

namespace weir::admin {
namespace {

namespace json = boost::json;

json::object problem_json(const config::Problem& problem) {
  return {{"file", problem.where.file},
          {"line", problem.where.line},
          {"column", problem.where.column},
          {"what", problem.what},
          {"text", problem.text()}};
}

Response reloaded(const config::Problems& problems) {
  if (problems.empty()) return json_answer(200, {{"reloaded", true}});
  json::array all;
  for (const config::Problem& one : problems) all.push_back(problem_json(one));
  const json::object more{{"problems", std::move(all)}};
  return problem(422, "the file is not taken and nothing is changed: " + problems.front().text(), {}, more);
}

}  // namespace

void reload(const Asked& asked, const Answer& answer) {
  if (const auto refusal = refuse_parameters(asked, {})) return answer(*refusal);
  if (const Body body(asked.request.body, {}); body.refusal()) return answer(*body.refusal());
  asked.control().reload([answer](const config::Problems& problems) { answer(reloaded(problems)); });
}

void drain(const Asked& asked, const Answer& answer) {
  if (const auto refusal = refuse_parameters(asked, {})) return answer(*refusal);
  if (const Body body(asked.request.body, {}); body.refusal()) return answer(*body.refusal());
  asked.control().drain();
  answer(json_answer(202, {{"draining", true}}));
}

void upgrade(const Asked& asked, const Answer& answer) {
  if (const auto refusal = refuse_parameters(asked, {})) return answer(*refusal);
  if (const Body body(asked.request.body, {}); body.refusal()) return answer(*body.refusal());
  asked.control().upgrade([answer](const control::Upgrade& upgrade) {
    const std::string wrong = "not upgraded, and this process serves on: " + upgrade.wrong;
    if (!upgrade.wrong.empty()) return answer(problem(upgrade.begun ? 500 : 409, wrong));
    answer(json_answer(200, {{"upgraded", true}, {"process", upgrade.process}}));
  });
}

}  // namespace weir::admin
