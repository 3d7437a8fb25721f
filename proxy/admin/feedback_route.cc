// What users say of the versions.
#include <charconv>

#include "proxy/admin/route.h"

namespace weir::admin {
namespace {

constexpr size_t kUsual = 100, kMost = 500;

}  // namespace

void show_feedback(const Asked& asked, const Answer& answer) {
  if (const auto refusal = refuse_parameters(asked, {"limit", "version"})) return answer(*refusal);
  size_t limit = kUsual;
  if (const auto text = parameter(asked, "limit")) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
    const bool number = error == std::errc{} && end == text->data() + text->size();
    if (!number || limit == 0 || limit > kMost) return answer(problem(422, "a number from 1 to 500", "limit"));
  }
  auto json = asked.control().feedback(asked.service, parameter(asked, "version").value_or(""), limit);
  if (!json) return answer(problem(404, "there is no service of this name that asks for feedback", "service"));
  answer({200, "application/json", std::move(*json), {}});
}

}  // namespace weir::admin
