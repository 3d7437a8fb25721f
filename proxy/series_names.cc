#include "proxy/series_names.h"

#include "proxy/entrance.h"
#include "proxy/exchange/record.h"
#include "proxy/http/fault.h"

namespace weir::proxy {

metrics::Names series_names() {
  metrics::Names names;
  for (size_t i = 0; i < routing::kDecidedByCount; ++i) {
    names.decided_by.emplace_back(routing::decided_by_text(static_cast<routing::DecidedBy>(i)));
  }
  for (size_t i = 0; i < http::kFaults; ++i) {
    // Only what a try at an endpoint can fail with is counted under a version.
    const auto& fault = http::info(static_cast<http::Fault>(i));
    const bool counted = fault.whose == http::Whose::endpoint || fault.whose == http::Whose::weir;
    names.errors.emplace_back(counted ? fault.token : "");
  }
  names.connect_results = {"ok", "refused", "timeout", "error", "tls"};
  names.retry_results = {"ok", "failed", "exhausted"};
  names.reject_reasons.assign(kRejectReasons.begin(), kRejectReasons.end());
  names.handshake_results.assign(kHandshakeResults.begin(), kHandshakeResults.end());
  for (const unsigned code : kRejectedCodes) names.rejected_codes.push_back(code == 0 ? "none" : std::to_string(code));
  return names;
}

}  // namespace weir::proxy
