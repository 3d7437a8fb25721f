// One worker's numbers, and the series that gathers the shards of all workers under one name.
//
// Thread: a shard is written by its worker alone and read by anybody. Shards never move; a series is
// freed when nobody (no snapshot, no exchange) holds it any more.
#pragma once

#include <array>
#include <atomic>
#include <compare>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "proxy/metrics/counter.h"
#include "proxy/metrics/histogram.h"

namespace weir::metrics {

inline constexpr size_t kCacheLine = 64;
inline constexpr size_t kCodeClasses = 6;  // index: status / 100; 0: the client saw no response
inline constexpr std::array<const char*, kCodeClasses> kCodeClassNames{"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
inline constexpr size_t kDecidedBy = 5;  // rule, split, without_key, override, fallback
inline constexpr size_t kBySplit = 1;
inline constexpr size_t kMaxErrors = 32;
inline constexpr size_t kMaxRetryResults = 4;
inline constexpr size_t kMaxConnectResults = 5;
inline constexpr size_t kMaxRejectReasons = 4;
inline constexpr size_t kMaxRejectedCodes = 16;
inline constexpr size_t kMaxHandshakeResults = 10;
inline constexpr std::array<const char*, 3> kTlsVersionNames{"none", "1.2", "1.3"};  // none: not agreed on

/// A version of a service as one worker served it. What the indices mean is told by `Names`.
struct alignas(kCacheLine) VersionNumbers {
  std::array<std::array<Counter, kDecidedBy>, kCodeClasses> requests;  // [code class][decided by]
  Histogram duration;           // first byte of the request to last byte of the response
  Histogram upstream_duration;  // request sent to response head
  std::array<Counter, kMaxErrors> errors;
  Gauge in_flight;
  Counter request_body_bytes, response_body_bytes;
  std::array<Counter, kMaxRetryResults> retries;
  std::array<Counter, kMaxConnectResults> connects;
  Gauge connections_active, connections_idle;  // to the endpoints of this version
};

struct alignas(kCacheLine) ServiceNumbers {
  Counter oversized_subjects;  // regular expressions not tried, for a subject over 1 KiB
};

struct alignas(kCacheLine) RuleNumbers {
  Counter hits;
};

struct alignas(kCacheLine) ListenerNumbers {
  Gauge connections;
  std::atomic<int64_t> arriving{0};  // accepted by another worker for this one, on their way; any thread writes
  Counter connections_total;
  std::array<Counter, kMaxRejectReasons> connections_rejected;
  std::array<Counter, kMaxRejectedCodes> rejected_requests;  // requests that reached no service
  std::array<std::array<Counter, kTlsVersionNames.size()>, kMaxHandshakeResults> handshakes;  // [result][version]
};

/// What a worker counts whatever the configuration is.
struct alignas(kCacheLine) WorkerNumbers {
  Counter access_log_dropped;  // lines
};

struct VersionName {
  std::string service, version;
  friend auto operator<=>(const VersionName&, const VersionName&) = default;
};
struct RuleName {
  std::string service, rule;
  friend auto operator<=>(const RuleName&, const RuleName&) = default;
};

/// The shards of one name, one a worker. Held by shared_ptr by whoever counts; the Registry only
/// remembers it. The control thread hands it out; each worker touches its own shard.
template <class Name, class Numbers>
class Series {
 public:
  Series(Name name, size_t workers)
      : name_(std::move(name)), workers_(workers), shards_(std::make_unique<Numbers[]>(workers)) {}

  const Name& name() const { return name_; }
  /// `worker` counts from 0 and is below the Registry's number of workers.
  Numbers& shard(size_t worker) { return shards_[worker]; }
  std::span<const Numbers> shards() const { return {shards_.get(), workers_}; }

 private:
  Name name_;
  size_t workers_;
  std::unique_ptr<Numbers[]> shards_;
};

using VersionSeries = Series<VersionName, VersionNumbers>;
using ServiceSeries = Series<std::string, ServiceNumbers>;
using RuleSeries = Series<RuleName, RuleNumbers>;
using ListenerSeries = Series<std::string, ListenerNumbers>;

}  // namespace weir::metrics
