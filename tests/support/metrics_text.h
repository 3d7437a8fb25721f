// A page of /metrics, parsed (Prometheus text format 0.0.4).
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace weir::testing {

using Labels = std::map<std::string, std::string>;

/// One series: its name and labels.
struct Series {
  std::string name;
  Labels labels;
  friend auto operator<=>(const Series&, const Series&) = default;
};

struct Metrics {
  std::map<Series, double> values;
  std::map<std::string, std::string> types;  // counter, gauge, histogram by family

  /// The sum of all series of this name that have these labels; 0 if there is none.
  double sum(const std::string& name, const Labels& labels = {}) const;
  /// How many series of this name have these labels.
  size_t count(const std::string& name, const Labels& labels = {}) const;
};

/// Lines that are not of the format are kept as series named `!LINE`, so that a test can see them.
Metrics parse_metrics(std::string_view page);

}  // namespace weir::testing
