#include "tests/support/metrics_text.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>

namespace weir::testing {
namespace {

bool has_labels(const Series& series, const Labels& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& label) {
    auto found = series.labels.find(label.first);
    return found != series.labels.end() && found->second == label.second;
  });
}

/// Reads `name="value",…}` from `at`; returns the place behind the brace, or npos.
size_t parse_labels(const std::string& line, size_t at, Labels& labels) {
  while (at < line.size() && line[at] != '}') {
    size_t equals = line.find("=\"", at);
    if (equals == std::string::npos) return std::string::npos;
    std::string name = line.substr(at, equals - at), value;
    for (at = equals + 2; at < line.size() && line[at] != '"'; ++at) {
      if (line[at] == '\\' && at + 1 < line.size()) ++at;
      value += line[at];
    }
    labels[name] = value;
    ++at;
    if (at < line.size() && line[at] == ',') ++at;
  }
  return at < line.size() ? at + 1 : std::string::npos;
}

void parse_sample(const std::string& line, Metrics& metrics) {
  Series series;
  size_t at = line.find_first_of("{ ");
  series.name = line.substr(0, at);
  if (at != std::string::npos && line[at] == '{') at = parse_labels(line, at + 1, series.labels);
  char* end = nullptr;
  double value = at == std::string::npos ? 0 : std::strtod(line.c_str() + at, &end);
  if (end == nullptr || end == line.c_str() + at) {
    series = {"!" + line, {}};
  }
  metrics.values[series] = value;
}

}  // namespace

double Metrics::sum(const std::string& name, const Labels& labels) const {
  double total = 0;
  for (const auto& [series, value] : values)
    if (series.name == name && has_labels(series, labels)) total += value;
  return total;
}

size_t Metrics::count(const std::string& name, const Labels& labels) const {
  return static_cast<size_t>(std::count_if(values.begin(), values.end(), [&](const auto& entry) {
    return entry.first.name == name && has_labels(entry.first, labels);
  }));
}

Metrics parse_metrics(std::string_view page) {
  Metrics metrics;
  std::istringstream lines{std::string(page)};
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    if (line.starts_with("# TYPE ")) {
      size_t space = line.find(' ', 7);
      metrics.types[line.substr(7, space - 7)] = line.substr(space + 1);
    } else if (line[0] != '#') {
      parse_sample(line, metrics);
    }
  }
  return metrics;
}

}  // namespace weir::testing
