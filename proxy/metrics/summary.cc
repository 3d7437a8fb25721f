#include "proxy/metrics/summary.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

namespace weir::metrics {
namespace {

void add(VersionSummary& sum, const VersionNumbers& shard) {
  for (size_t code = 0; code < kCodeClasses; ++code) {
    for (size_t by = 0; by < kDecidedBy; ++by) {
      const uint64_t count = shard.requests[code][by].value();
      sum.requests[code] += count;
      sum.decided[by] += count;
    }
  }
  for (const Counter& error : shard.errors) sum.errors += error.value();
  sum.in_flight += shard.in_flight.value();
  sum.connections_active += shard.connections_active.value();
  sum.connections_idle += shard.connections_idle.value();
  sum.duration.add(shard.duration);
}

template <size_t N>
void subtract(std::array<uint64_t, N>& from, const std::array<uint64_t, N>& what) {
  for (size_t i = 0; i < N; ++i) from[i] -= what[i];
}

/// A series that was dropped and began anew holds less than before.
bool began_anew(const VersionSummary& now, const VersionSummary& before) {
  const auto shrank = [](const auto& a, const auto& b) {
    return !std::equal(a.begin(), a.end(), b.begin(), std::greater_equal<>());
  };
  return shrank(now.requests, before.requests) || shrank(now.decided, before.decided) || now.errors < before.errors;
}

VersionSummary difference(const VersionSummary& now, const VersionSummary& before) {
  if (began_anew(now, before)) return now;
  VersionSummary rest = now;
  subtract(rest.requests, before.requests);
  subtract(rest.decided, before.decided);
  rest.errors -= before.errors;
  rest.duration = now.duration.since(before.duration);
  return rest;
}

}  // namespace

uint64_t VersionSummary::total() const { return std::accumulate(requests.begin(), requests.end(), uint64_t{0}); }

Summary summarize(Registry& registry) {
  Summary summary;
  for (const auto& series : registry.versions()) {
    VersionSummary& sum = summary.emplace_back();
    sum.name = series->name();
    for (const VersionNumbers& shard : series->shards()) add(sum, shard);
  }
  return summary;
}

Summary since(const Summary& now, const Summary& before) {
  Summary rest;
  rest.reserve(now.size());
  for (const VersionSummary& version : now) {
    const VersionSummary* earlier = find(before, version.name.service, version.name.version);
    rest.push_back(earlier ? difference(version, *earlier) : version);
  }
  return rest;
}

const VersionSummary* find(const Summary& summary, std::string_view service, std::string_view version) {
  const auto order = [](const VersionSummary& entry, const auto& name) {
    return std::pair<std::string_view, std::string_view>(entry.name.service, entry.name.version) < name;
  };
  const std::pair<std::string_view, std::string_view> name(service, version);
  const auto at = std::lower_bound(summary.begin(), summary.end(), name, order);
  if (at == summary.end() || at->name.service != service || at->name.version != version) return nullptr;
  return &*at;
}

double seen_share(const Summary& summary, std::string_view service, std::string_view version) {
  const auto order = [](const VersionSummary& entry, std::string_view name) { return entry.name.service < name; };
  uint64_t all = 0, own = 0;
  auto at = std::lower_bound(summary.begin(), summary.end(), service, order);
  for (; at != summary.end() && at->name.service == service; ++at) {
    all += at->decided[kBySplit];
    if (at->name.version == version) own = at->decided[kBySplit];
  }
  return all == 0 ? 0 : static_cast<double>(own) / static_cast<double>(all);
}

}  // namespace weir::metrics
