// One request as a service's rules and cohort keys see it: read once, asked often.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "routing/region.h"
#include "routing/request_view.h"
#include "routing/subjects.h"

namespace weir::routing {

/// The values of a service's subjects in one request. One per thread, used again for each request so that
/// a warm thread allocates nothing. Views are those of the request.
///
/// Of a header every occurrence is read (RFC 9110 §5.3); of a cookie and of a query parameter the first.
/// Cookies are split as RFC 6265 §5.2 does, leniently: over several Cookie fields, values neither unquoted
/// nor decoded, pairs without `=` ignored. Query parameters are not decoded.
class Reading {
 public:
  struct Found {
    std::string_view value;
    uint32_t subject;
    uint32_t next;  // index of the next occurrence, or kEnd
  };
  static constexpr uint32_t kEnd = ~uint32_t{0};

  /// Begins anew with this request, in one pass over its fields; `regions` may be null.
  void read(const Subjects& subjects, const Regions* regions, const RequestView& request);

  const RequestView& request() const { return *request_; }
  /// Everything found, in the order of the request.
  const std::vector<Found>& found() const { return found_; }
  /// The first occurrence, or null.
  const Found* first(uint32_t subject) const {
    const Mark& mark = marks_[subject];
    return mark.epoch == epoch_ ? &found_[mark.first] : nullptr;
  }
  /// The same subject's next occurrence, or null.
  const Found* next(const Found& found) const { return found.next == kEnd ? nullptr : &found_[found.next]; }

  /// The path as it is matched; made when first asked for.
  std::string_view path();
  /// The client's region in lower case; looked up when first asked for.
  std::string_view region();
  /// The region as its source has it.
  std::string_view region_as_told() const { return regions_ == nullptr ? kUnknownRegion : regions_->find(*request_); }

 private:
  struct Mark {
    uint64_t epoch = 0;  // of the request that it belongs to
    uint32_t first = 0, last = 0;
  };
  void note(uint32_t subject, std::string_view value);
  void note_first(uint32_t subject, std::string_view value);
  void read_cookies(const NameTable& cookies, std::string_view field);
  void read_certificate(const NameTable& parts, const RequestView& request);
  void read_query(const NameTable& queries, std::string_view query);

  const RequestView* request_ = nullptr;
  const Regions* regions_ = nullptr;
  uint64_t epoch_ = 0;
  std::vector<Found> found_;
  std::vector<Mark> marks_;
  bool has_path_ = false, has_region_ = false;
  std::string_view path_;
  std::string path_scratch_, region_;
};

}  // namespace weir::routing
