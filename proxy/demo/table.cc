#include "proxy/demo/table.h"

#include <fmt/core.h>

namespace weir::demo {
namespace {

double asked_share(const routing::ServicePlan& service, size_t version) {
  const double candidate = static_cast<double>(static_cast<uint32_t>(service.share)) / 1e6;
  if (!service.has_candidate) return 1;
  return version == service.candidate ? candidate : 1 - candidate;
}

std::string milliseconds(std::chrono::nanoseconds duration) {
  const double value = static_cast<double>(duration.count()) / 1e6;
  return value < 9.95 ? fmt::format("{:.1f}ms", value) : fmt::format("{:.0f}ms", value);
}

}  // namespace

std::vector<Row> rows(const routing::ServicePlan& service, const metrics::Summary& interval,
                      std::chrono::nanoseconds length) {
  std::vector<Row> rows;
  for (size_t i = 0; i < service.versions.size(); ++i) {
    Row row{.version = service.versions[i].name, .asked = asked_share(service, i)};
    if (const auto* version = metrics::find(interval, service.name, row.version)) {
      const auto total = static_cast<double>(version->total());
      row.per_second = total / std::chrono::duration<double>(length).count();
      row.failed = total > 0 ? static_cast<double>(version->failed()) / total : 0;
      row.p50 = version->duration.quantile(0.5);
      row.p99 = version->duration.quantile(0.99);
      row.seen = metrics::seen_share(interval, service.name, row.version);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string heading(const std::string& service) {
  return fmt::format("{:<10}{:>8}{:>8}{:>9}{:>9}{:>9}{:>8}\n", service, "req/s", "err", "p50", "p99", "asked", "seen");
}

std::string line(const Row& row) {
  return fmt::format("  {:<8}{:>8.0f}{:>7.1f}%{:>9}{:>9}{:>8.1f}%{:>7.1f}%\n", row.version, row.per_second,
                     row.failed * 100, milliseconds(row.p50), milliseconds(row.p99), row.asked * 100, row.seen * 100);
}

}  // namespace weir::demo
