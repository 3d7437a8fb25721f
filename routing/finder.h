// Host and path -> service: the most specific match over all services (contract §3).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "routing/prefix_table.h"
#include "routing/value_table.h"

namespace weir::routing {

/// Compiled once, immutable, shared by all workers. Host before path: an exact host, then `*.` suffixes, the
/// longer before the shorter, then matches without a host; for each the longest path prefix by whole segments.
class ServiceFinder {
 public:
  struct Found {
    uint32_t service;
    uint32_t match;  // of the service; kEverything for one that names none
  };
  static constexpr uint32_t kEverything = ~uint32_t{0};

  explicit ServiceFinder(const std::vector<config::Service>& services);

  /// `host` and `path` as received. Of two identical matches the first in the file holds.
  std::optional<Found> find(std::string_view host, std::string_view path) const;

 private:
  enum HostKind : uint32_t { exact_host, host_suffix };
  void add(const config::ServiceMatch& match, Found found);
  PrefixTable& paths_of(std::string_view host);
  const PrefixTable* known(HostKind kind, std::string_view host) const;
  std::optional<Found> find_path(const PrefixTable* paths, std::string_view path) const;

  ValueTable hosts_;                // (kind, host or suffix with its dot) -> index into paths_
  std::vector<PrefixTable> paths_;  // prefix -> index into found_; the first is that of any host
  std::vector<Found> found_;
};

}  // namespace weir::routing
