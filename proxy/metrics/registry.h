// Every series that somebody holds, by name: the place where workers' numbers are found again.
//
// Thread: the control thread only. Series may be dropped on any thread.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "proxy/metrics/shard.h"

namespace weir::metrics {

/// What the indices of the shards' arrays are called in labels. Given once: metrics knows nobody above it.
struct Names {
  std::vector<std::string> decided_by;         // kDecidedBy of them, "split" at kBySplit
  std::vector<std::string> errors;             // RFC 9209 tokens, at most kMaxErrors; "" for an index unused
  std::vector<std::string> retry_results;      // at most kMaxRetryResults
  std::vector<std::string> connect_results;    // at most kMaxConnectResults
  std::vector<std::string> reject_reasons;     // at most kMaxRejectReasons
  std::vector<std::string> rejected_codes;     // at most kMaxRejectedCodes
  std::vector<std::string> handshake_results;  // at most kMaxHandshakeResults
};

/// Series of one kind, remembered weakly: a name finds its series again while somebody holds it.
template <class Name, class Numbers>
class Shelf {
 public:
  using Entry = Series<Name, Numbers>;

  std::shared_ptr<Entry> get(const Name& name, size_t workers) {
    auto& place = entries_[name];
    auto series = place.lock();
    if (!series) place = series = std::make_shared<Entry>(name, workers);
    return series;
  }
  /// Those alive, in the order of their names; forgets the others.
  std::vector<std::shared_ptr<const Entry>> live() {
    std::vector<std::shared_ptr<const Entry>> found;
    for (auto at = entries_.begin(); at != entries_.end();) {
      if (auto series = at->second.lock()) {
        found.push_back(std::move(series));
        ++at;
      } else {
        at = entries_.erase(at);
      }
    }
    return found;
  }

 private:
  std::map<Name, std::weak_ptr<Entry>> entries_;
};

class Registry {
 public:
  /// `workers`: how many shards each series gets. Names that do not fit the shards' arrays are a
  /// broken invariant: throws std::invalid_argument.
  Registry(size_t workers, Names names);

  /// The same name gives the same series as long as somebody holds it; after that it starts at 0.
  std::shared_ptr<VersionSeries> version(const std::string& service, const std::string& version);
  std::shared_ptr<ServiceSeries> service(const std::string& service);
  std::shared_ptr<RuleSeries> rule(const std::string& service, const std::string& rule);
  std::shared_ptr<ListenerSeries> listener(const std::string& listener);
  /// Lives as long as the Registry.
  WorkerNumbers& worker(size_t worker) { return workers_[worker]; }

  std::vector<std::shared_ptr<const VersionSeries>> versions() { return versions_.live(); }
  std::vector<std::shared_ptr<const ServiceSeries>> services() { return services_.live(); }
  std::vector<std::shared_ptr<const RuleSeries>> rules() { return rules_.live(); }
  std::vector<std::shared_ptr<const ListenerSeries>> listeners() { return listeners_.live(); }
  std::span<const WorkerNumbers> workers() const { return {workers_.get(), worker_count_}; }
  const Names& names() const { return names_; }

 private:
  size_t worker_count_;
  Names names_;
  std::unique_ptr<WorkerNumbers[]> workers_;
  Shelf<VersionName, VersionNumbers> versions_;
  Shelf<std::string, ServiceNumbers> services_;
  Shelf<RuleName, RuleNumbers> rules_;
  Shelf<std::string, ListenerNumbers> listeners_;
};

}  // namespace weir::metrics
