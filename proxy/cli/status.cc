#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>

#include "proxy/cli/commands.h"
#include "proxy/cli/running.h"
#include "proxy/cli/split_text.h"
#include "proxy/cli/terminal.h"
#include "proxy/cli/text_table.h"

namespace weir::cli {
namespace {

namespace json = boost::json;

std::string time_text(double seconds) {
  if (seconds <= 0) return "–";
  if (seconds < 0.1) return fmt::format("{:.1f}ms", seconds * 1000);
  return seconds < 10 ? fmt::format("{:.0f}ms", seconds * 1000) : fmt::format("{:.0f}s", seconds);
}

struct Count {
  double all = 0, failed = 0;
};

Count count_of(const json::object& requests) {
  Count count;
  for (const auto& [code_class, number] : requests) {
    if (!number.is_number()) continue;
    count.all += number.to_number<double>();
    if (code_class == "5xx") count.failed += number.to_number<double>();
  }
  return count;
}

/// `127.0.0.1:9001 (ejected, 7s)`.
std::string absent_text(const json::object& endpoint) {
  const std::string why = text_of(endpoint, "why");
  const double left = number_of(endpoint, "for_seconds");
  const std::string time = left > 0 ? fmt::format(", {:.0f}s", std::ceil(left)) : "";
  return text_of(endpoint, "address") + (why.empty() ? "" : fmt::format(" ({}{})", why, time));
}

/// `2 of 2 up`, or which are down and why, and what weir makes of it.
std::string endpoints_text(const json::object& version) {
  const json::array& endpoints = array_of(version, "endpoints");
  std::vector<std::string> down;
  for (const json::value& endpoint : endpoints) {
    if (endpoint.is_object() && !flag_of(endpoint.as_object(), "up")) {
      down.push_back(absent_text(endpoint.as_object()));
    }
  }
  std::string text = fmt::format("{} of {} up", endpoints.size() - down.size(), endpoints.size());
  const bool falls_back = version.contains("available") && !flag_of(version, "available");
  if (flag_of(version, "panic")) text += ", all used all the same (panic)";
  if (falls_back) text += ", requests go to the stable version";
  if (down.empty() && falls_back) return alarming(text, STDOUT_FILENO);
  return down.empty() ? text : alarming(fmt::format("{}, down: {}", text, fmt::join(down, ", ")), STDOUT_FILENO);
}

void add_version(TextTable& table, const json::object& service, const json::object& version, bool first) {
  const std::string name = text_of(version, "name");
  const Count count = count_of(object_of(version, "requests"));
  const json::object& durations = object_of(version, "duration_seconds");
  const bool is_candidate = text_of(service, "candidate") == name;
  table.add({first ? text_of(service, "name") : "", name, text_of(object_of(service, "shares"), name.c_str()),
             is_candidate ? text_of(service, "seen") : "", fmt::format("{:.0f}", count.all),
             count.all > 0 ? fmt::format("{:.1f}%", 100 * count.failed / count.all) : "–",
             time_text(number_of(durations, "p50")), time_text(number_of(durations, "p99")),
             fmt::format("{:.0f}", number_of(version, "in_flight")), endpoints_text(version)});
}

int print_status(const Running& running) {
  const auto asked = ask_running(running, "status", {.target = "/api/v1/services"});
  if (const int* code = std::get_if<int>(&asked)) return *code;
  const Answer& answer = std::get<Answer>(asked);
  if (running.json) return print_json(answer);
  if (!answer.json.is_object()) return failed("status", "the answer is no object", "is it weir's admin?");
  using Align = TextTable::Align;
  TextTable table({{"SERVICE"},
                   {"VERSION"},
                   {"ASKED", Align::right},
                   {"SEEN", Align::right},
                   {"REQUESTS", Align::right},
                   {"5XX", Align::right},
                   {"P50", Align::right},
                   {"P99", Align::right},
                   {"IN FLIGHT", Align::right},
                   {"ENDPOINTS"}});
  for (const json::value& one : array_of(answer.json.as_object(), "services")) {
    if (!one.is_object()) continue;
    bool first = true;
    for (const json::value& version : array_of(one.as_object(), "versions")) {
      if (version.is_object()) add_version(table, one.as_object(), version.as_object(), std::exchange(first, false));
    }
  }
  fmt::print("{}", table.text());
  return kDone;
}

}  // namespace

Action declare_status(CLI::App& app) {
  const auto running = std::make_shared<Running>();
  add_running_options(app, *running, Changes::no);
  app.footer(
      R"(Of each version: the share asked for and, of the candidate, what the split really decided; requests since weir
started and how many of them failed (5xx); how long they took; which endpoints are up.

Examples:
  weir status
  watch -n 2 weir status)");
  return [running] { return print_status(*running); };
}

}  // namespace weir::cli
