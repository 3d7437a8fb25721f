#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "proxy/cli/commands.h"
#include "proxy/cli/running.h"
#include "proxy/cli/split_text.h"
#include "proxy/cli/text_table.h"

namespace weir::cli {
namespace {

namespace json = boost::json;

struct Options {
  Running running;
  std::string service, version;
  uint32_t limit = 20;
};

/// What anybody may have written, as a terminal may show it: no controls, one line.
std::string harmless(std::string_view text) {
  std::string shown;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    shown += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  // U+0080 to U+009F are controls too, and U+202A to U+202E, U+2066 to U+2069 turn the direction of writing.
  const auto drop = [&](size_t at, size_t size) { shown.replace(at, size, " "); };
  for (size_t at = 0; at + 1 < shown.size(); ++at) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(shown[at + i]); };
    if (byte(0) == 0xc2 && byte(1) < 0xa0) drop(at, 2);
    if (at + 2 >= shown.size() || byte(0) != 0xe2) continue;
    const bool turns = (byte(1) == 0x80 && byte(2) >= 0xa8 && byte(2) <= 0xae) ||
                       (byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9);
    if (turns) drop(at, 3);
  }
  return shown;
}

/// `old: 3 × 5, 1 × 2`.
std::string counts_text(const json::object& counts) {
  std::string text;
  for (const auto& [version, by_rating] : counts) {
    std::string of;
    for (int rating = 5; rating >= 1 && by_rating.is_object(); --rating) {
      const double count = number_of(by_rating.as_object(), std::to_string(rating).c_str());
      if (count > 0) of += fmt::format("{}{:.0f} × {}", of.empty() ? "" : ", ", count, rating);
    }
    text += fmt::format("{}: {}\n", std::string_view(version), of.empty() ? "none since the start" : of);
  }
  return text;
}

int print_feedback(const Options& options) {
  std::string target = fmt::format("/api/v1/services/{}/feedback?limit={}", encoded(options.service), options.limit);
  if (!options.version.empty()) target += "&version=" + encoded(options.version);
  const auto asked = ask_running(options.running, "feedback", {.target = target});
  if (const int* code = std::get_if<int>(&asked)) return *code;
  const Answer& answer = std::get<Answer>(asked);
  if (options.running.json) return print_json(answer);
  if (!answer.json.is_object()) return failed("feedback", "the answer is no object", "is it weir's admin?");
  TextTable table({{"WHEN"}, {"VERSION"}, {"RATING", TextTable::Align::right}, {"PAGE"}, {"COMMENT"}});
  for (const json::value& one : array_of(answer.json.as_object(), "feedback")) {
    if (!one.is_object()) continue;
    const json::object& rating = one.as_object();
    table.add({local_time(text_of(rating, "at")), harmless(text_of(rating, "version")),
               fmt::format("{:.0f}", number_of(rating, "rating")), harmless(text_of(rating, "page")),
               harmless(text_of(rating, "comment"))});
  }
  fmt::print("{}", counts_text(object_of(answer.json.as_object(), "counts")));
  if (!table.empty()) fmt::print("{}", table.text());
  return kDone;
}

}  // namespace

Action declare_feedback(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("SERVICE", options->service, "the service")->required()->type_name("");
  app.add_option("--version", options->version, "of this version alone")->type_name("NAME");
  app.add_option("--limit", options->limit, "how many, newest first (20)")
      ->type_name("N")
      ->check(CLI::Range(1U, 500U).description(""));
  add_running_options(app, options->running, Changes::no);
  app.footer(R"(What users said at the service's feedback path, by the version that they were on.

Examples:
  weir feedback shop
  weir feedback shop --version new --json | jq '.feedback[] | select(.rating <= 2)')");
  return [options] { return print_feedback(*options); };
}

}  // namespace weir::cli
