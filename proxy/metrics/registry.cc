#include "proxy/metrics/registry.h"

#include <stdexcept>
#include <utility>

namespace weir::metrics {
namespace {

void require(bool fits, const char* what) {
  if (!fits) throw std::invalid_argument(std::string("metrics names do not fit: ") + what);
}

}  // namespace

Registry::Registry(size_t workers, Names names)
    : worker_count_(workers), names_(std::move(names)), workers_(std::make_unique<WorkerNumbers[]>(workers)) {
  require(names_.decided_by.size() == kDecidedBy && names_.decided_by[kBySplit] == "split", "decided_by");
  require(names_.errors.size() <= kMaxErrors, "errors");
  require(names_.retry_results.size() <= kMaxRetryResults, "retry_results");
  require(names_.connect_results.size() <= kMaxConnectResults, "connect_results");
  require(names_.reject_reasons.size() <= kMaxRejectReasons, "reject_reasons");
  require(names_.rejected_codes.size() <= kMaxRejectedCodes, "rejected_codes");
  require(names_.handshake_results.size() <= kMaxHandshakeResults, "handshake_results");
}

std::shared_ptr<VersionSeries> Registry::version(const std::string& service, const std::string& version) {
  return versions_.get({service, version}, worker_count_);
}

std::shared_ptr<ServiceSeries> Registry::service(const std::string& service) {
  return services_.get(service, worker_count_);
}

std::shared_ptr<RuleSeries> Registry::rule(const std::string& service, const std::string& rule) {
  return rules_.get({service, rule}, worker_count_);
}

std::shared_ptr<ListenerSeries> Registry::listener(const std::string& listener) {
  return listeners_.get(listener, worker_count_);
}

}  // namespace weir::metrics
