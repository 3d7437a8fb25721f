#include "proxy/exchange/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <iterator>

namespace weir::proxy {

namespace {

double seconds(net::Nanos time) { return std::chrono::duration<double>(time).count(); }

/// A JSON string (RFC 8259 §7). Bytes that are not UTF-8 go on as escapes of Latin-1.
void append_json(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte >= 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

/// As nginx escapes its log: what could end the field or the line is \xHH.
void append_quoted(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\' || byte < 0x20 || byte >= 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\x{:02X}", byte);
    } else {
      out.push_back(c);
    }
  }
}

struct WallTime {
  std::tm parts{};
  int millis = 0;
  static WallTime now() {
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    WallTime wall;
    gmtime_r(&now.tv_sec, &wall.parts);
    wall.millis = static_cast<int>(now.tv_nsec / 1'000'000);
    return wall;
  }
};

size_t rejected_index(unsigned status) {
  const auto found = std::ranges::find(kRejectedCodes, status);
  return found == kRejectedCodes.end() ? 0 : static_cast<size_t>(found - kRejectedCodes.begin());
}

}  // namespace

Record::~Record() {
  count(kNoStatus);  // nothing else has: the client saw no response
  if (service_) version_numbers()->in_flight.add(-1);
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
  version_numbers()->in_flight.add(1);
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
  status_ = status;
  retried(true);
}

void Record::retried(bool well) {
  if (tries_ > 1) version_numbers()->retries[static_cast<size_t>(well ? RetryResult::ok : RetryResult::failed)].add();
}

void Record::request_bytes(uint64_t bytes) {
  bytes_in_ += bytes;
  if (service_) version_numbers()->request_body_bytes.add(bytes);
}

void Record::response_bytes(uint64_t bytes) {
  bytes_out_ += bytes;
  if (service_) version_numbers()->response_body_bytes.add(bytes);
}

void Record::count(unsigned status) {
  if (std::exchange(counted_, true)) return;
  status_ = status;
  took_ = net::monotonic() - began_;
  if (!service_) {
    const size_t index = rejected_index(status);
    client_.listener.numbers->shard(worker_.index()).rejected_requests[index].add();
    return;
  }
  metrics::VersionNumbers& numbers = *version_numbers();
  const size_t code_class = std::min<size_t>(status / 100, metrics::kCodeClasses - 1);
  numbers.requests[code_class][static_cast<size_t>(decision_.by)].add();
  if (status != kNoStatus && status != 101) numbers.duration.record(took_);
}

void Record::write_log_line() {
  std::string& out = worker_.access_log().lines();
  const auto& log = worker_.view()->config().access_log;
  if (log && log->format == config::LogFormat::combined) {
    write_combined(out);
  } else {
    write_json(out);
  }
  worker_.access_log().added();
}

void Record::write_json(std::string& out) const {
  const auto to = std::back_inserter(out);
  const WallTime wall = WallTime::now();
  const auto text = [&](std::string_view key, std::string_view value) {
    fmt::format_to(to, ",\"{}\":", key);
    append_json(out, value);
  };
  fmt::format_to(to, "{{\"time\":\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z\"", wall.parts.tm_year + 1900,
                 wall.parts.tm_mon + 1, wall.parts.tm_mday, wall.parts.tm_hour, wall.parts.tm_min, wall.parts.tm_sec,
                 wall.millis);
  text("request_id", piece(id_));
  text("client", client_.has_peer ? client_ip_.text() : "unix");
  text("method", piece(method_));
  text("host", piece(host_));
  text("path", piece(path_));
  fmt::format_to(to, ",\"protocol\":\"HTTP/1.{}\",\"status\":{},\"bytes_in\":{},\"bytes_out\":{}", minor_, status_,
                 bytes_in_, bytes_out_);
  text("service", service_ ? std::string_view(service_->plan->name) : "");
  text("version", service_ ? std::string_view(service_->plan->versions[decision_.version].name) : "");
  fmt::format_to(to, ",\"revision\":{}", service_ ? service_->plan->revision : 0);
  text("decided_by", service_ ? routing::decided_by_text(decision_.by) : "");
  text("rule", service_ && decision_.rule != routing::kNone
                   ? std::string_view(service_->plan->rules[decision_.rule].name)
                   : "");
  if (decision_.bucket) {
    fmt::format_to(to, ",\"bucket\":{}", static_cast<uint32_t>(*decision_.bucket));
  } else {
    out.append(",\"bucket\":null");
  }
  text("endpoint", endpoint_ ? std::string_view(endpoint_->name) : "");
  text("error", http::info(fault_).token);
  fmt::format_to(to, ",\"tries\":{},\"duration\":{:.6f},\"upstream_duration\":{:.6f}}}\n", tries_, seconds(took_),
                 seconds(upstream_took_));
}

void Record::write_combined(std::string& out) const {
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto to = std::back_inserter(out);
  const WallTime wall = WallTime::now();
  const auto quoted = [&](std::string_view text) {
    out.push_back('"');
    append_quoted(out, text.empty() ? "-" : text);
    out.push_back('"');
  };
  fmt::format_to(to, "{} - - [{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000] \"",
                 client_.has_peer ? client_ip_.text() : "unix:", wall.parts.tm_mday, kMonths[wall.parts.tm_mon],
                 wall.parts.tm_year + 1900, wall.parts.tm_hour, wall.parts.tm_min, wall.parts.tm_sec);
  append_quoted(out, piece(method_));
  out.push_back(' ');
  append_quoted(out, piece(path_));
  fmt::format_to(to, " HTTP/1.{}\" {} {} ", minor_, status_ == kNoStatus ? 499 : status_, bytes_out_);
  quoted(piece(referer_));
  out.push_back(' ');
  quoted(piece(agent_));
  out.push_back('\n');
}

}  // namespace weir::proxy
