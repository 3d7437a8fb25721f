// Where a client is: sources of regions, asked in order; the first that answers holds (contract §3).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "routing/request_view.h"

struct MMDB_s;

namespace weir::routing {

/// The region of an address that no source knows.
inline constexpr std::string_view kUnknownRegion = "ZZ";

/// Opened once per snapshot and shared by all workers; reading is lock-free and allocates nothing.
/// A database is mapped, not copied: replace its file by rename, never in place.
class Regions {
 public:
  /// Opens every source; a file that cannot be read is a problem at its source's place.
  static config::Result<std::shared_ptr<const Regions>> open(const std::vector<config::RegionSource>& sources);
  ~Regions();
  Regions(const Regions&) = delete;
  Regions& operator=(const Regions&) = delete;

  /// As the source has it (`NZ`), or kUnknownRegion. The view is of the request or of the database.
  std::string_view find(const RequestView& request) const;

 private:
  struct Source;
  Regions();
  std::vector<Source> sources_;
};

}  // namespace weir::routing
