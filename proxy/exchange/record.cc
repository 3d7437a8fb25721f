#include "proxy/exchange/record.h"

#include <algorithm>

#include "proxy/evidence/audience.h"
#include "proxy/log/line.h"

namespace weir::proxy {

namespace {

size_t rejected_index(unsigned status) {
  const auto found = std::ranges::find(kRejectedCodes, status);
  return found == kRejectedCodes.end() ? 0 : static_cast<size_t>(found - kRejectedCodes.begin());
}

}  // namespace

Record::~Record() {
  count(kNoStatus);  // nothing else has: the client saw no response
  if (std::exchange(in_flight_, false))
    version_numbers()->in_flight.add(-1);  // a tunnel, which was counted as it began
  if (!silent_ && worker_.access_log().enabled()) write_log_line();
}

Record::Piece Record::keep(std::string_view text) {
  text = text.substr(0, 8192);
  const Piece piece{static_cast<uint16_t>(text_.size()), static_cast<uint16_t>(text.size())};
  if (text_.size() + text.size() > UINT16_MAX) return {};
  text_.append(text);
  return piece;
}

void Record::note_request(const http::RequestHead& head, const http::Target& target) {
  minor_ = head.minor;
  if (!worker_.access_log().enabled()) return;
  method_ = keep(head.method);
  host_ = keep(target.host);
  path_ = keep(target.path.empty() ? head.target.substr(0, head.target.find('?')) : target.path);
  for (const routing::Field& field : head.fields.list) {
    if (http::same_name(field.name, "Referer")) referer_ = keep(field.value.substr(0, field.value.find('?')));
    if (http::same_name(field.name, "User-Agent")) agent_ = keep(field.value);
  }
}

void Record::note_request_id(std::string_view id) {
  if (worker_.access_log().enabled()) id_ = keep(id);
}

void Record::decided(const ServiceView& service, const routing::Decision& decision) {
  service_ = &service;
  decision_ = decision;
  in_flight_ = true;
  version_numbers()->in_flight.add(1);
  witness_.decided(service, decision, client_ip_);
  evidence::Audience* const audience = service.site->audience.get();
  if (audience != nullptr && decision.bucket) audience->saw(worker_.index(), decision.user);
  if (decision.rule != routing::kNone) service.rules[decision.rule]->hits.add();
  if (decision.oversized_subjects > 0) service.numbers->oversized_subjects.add(decision.oversized_subjects);
}

metrics::VersionNumbers* Record::version_numbers() const { return service_->versions[decision_.version].numbers; }

void Record::try_begins(const upstream::Endpoint& endpoint) {
  ++tries_;
  endpoint_ = &endpoint;
}

void Record::try_failed(http::Fault fault) {
  fault_ = fault;
  if (service_ && http::info(fault).whose != http::Whose::client)
    version_numbers()->errors[static_cast<size_t>(fault)].add();
}

void Record::response_head(unsigned status) {
  upstream_took_ = net::monotonic() - (sent_.count() > 0 ? sent_ : began_);
  version_numbers()->upstream_duration.record(upstream_took_);
  witness_.response_head(status, upstream_took_);
  status_ = status;
  retried(status < 500);
}

void Record::retried(bool well) {
  if (!retry_of_) return;
  std::exchange(retry_of_, nullptr)->retries[static_cast<size_t>(well ? RetryResult::ok : RetryResult::failed)].add();
}

void Record::retry_refused() { version_numbers()->retries[static_cast<size_t>(RetryResult::exhausted)].add(); }

void Record::moved_to(uint32_t version) {
  witness_.moved(tries_ > 0);
  version_numbers()->in_flight.add(-1);
  decision_.version = version;
  decision_.by = routing::DecidedBy::fallback;
  version_numbers()->in_flight.add(1);
}

void Record::request_bytes(uint64_t bytes) {
  bytes_in_ += bytes;
  if (service_ && !own_) version_numbers()->request_body_bytes.add(bytes);
}

void Record::response_bytes(uint64_t bytes) {
  bytes_out_ += bytes;
  if (service_) version_numbers()->response_body_bytes.add(bytes);
}

void Record::count(unsigned status) {
  if (std::exchange(counted_, true)) return;
  status_ = status;
  took_ = net::monotonic() - began_;
  if (own_) return;
  if (!service_) {
    const size_t index = rejected_index(status);
    client_.listener.numbers->shard(worker_.index()).rejected_requests[index].add();
    return;
  }
  metrics::VersionNumbers& numbers = *version_numbers();
  if (status != 101 && std::exchange(in_flight_, false)) numbers.in_flight.add(-1);
  const size_t code_class = std::min<size_t>(status / 100, metrics::kCodeClasses - 1);
  numbers.requests[code_class][static_cast<size_t>(decision_.by)].add();
  const bool client_left = status == kNoStatus && !ended_by_endpoint_;
  if (!client_left) witness_.ended(status >= 500 || ended_by_endpoint_);
  if (status != kNoStatus && status != 101) numbers.duration.record(took_);
}

void Record::write_log_line() {
  char address[kAddressText];
  log::Line line{.time = net::time_of_day(),
                 .request_id = piece(id_),
                 .client = client_.has_peer ? address_text(client_ip_, address) : "unix",
                 .method = piece(method_),
                 .host = piece(host_),
                 .path = piece(path_),
                 .referer = piece(referer_),
                 .agent = piece(agent_),
                 .minor = minor_,
                 .status = status_,
                 .bytes_in = bytes_in_,
                 .bytes_out = bytes_out_,
                 .endpoint = endpoint_ ? std::string_view(endpoint_->name) : std::string_view(),
                 .error = http::info(fault_).token,
                 .tries = tries_,
                 .duration = took_,
                 .upstream_duration = upstream_took_};
  if (service_) {
    const routing::ServicePlan& plan = *service_->plan;
    line.service = plan.name;
    line.version = plan.versions[decision_.version].name;
    line.revision = plan.revision;
    line.decided_by = routing::decided_by_text(decision_.by);
    if (decision_.rule != routing::kNone) line.rule = plan.rules[decision_.rule].name;
    if (decision_.bucket) line.bucket = static_cast<uint32_t>(*decision_.bucket);
  }
  const auto& log = worker_.view()->config().access_log;
  const bool combined = log && log->format == config::LogFormat::combined;
  (combined ? log::write_combined : log::write_json)(worker_.access_log().lines(), line);
  worker_.access_log().added();
}

}  // namespace weir::proxy
