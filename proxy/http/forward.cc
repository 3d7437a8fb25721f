#include "proxy/http/forward.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

namespace weir::http {

namespace {

/// Writes into room that was bounded beforehand.
class Writer {
 public:
  Writer(net::Bytes& out, size_t bound) : out_(out), begin_(out.room(bound).data()), at_(begin_) {}
  ~Writer() { out_.grow(static_cast<size_t>(at_ - begin_)); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Writer& put(std::string_view text) {
    if (!text.empty()) std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
    return *this;
  }
  Writer& field(std::string_view name, std::string_view value) { return put(name).put(": ").put(value).put("\r\n"); }

 private:
  net::Bytes& out_;
  char* begin_;
  char* at_;
};

/// Behind the line feed of a field that was parsed in place.
const char* line_end(const routing::Field& field) {
  const char* at =
      field.value.empty() ? field.name.data() + field.name.size() : field.value.data() + field.value.size();
  while (*at != '\n') ++at;
  return at + 1;
}

/// Copies lines as they came, whole runs of them at once.
class LineCopier {
 public:
  explicit LineCopier(Writer& out) : out_(out) {}
  ~LineCopier() { flush(); }
  LineCopier(const LineCopier&) = delete;
  LineCopier& operator=(const LineCopier&) = delete;

  void copy(const routing::Field& field, bool unfolded) {
    if (unfolded) {
      flush();
      out_.field(field.name, field.value);
      return;
    }
    const char* const end = line_end(field);
    if (field.name.data() != run_end_) {
      flush();
      run_begin_ = field.name.data();
    }
    run_end_ = end;
  }

 private:
  void flush() {
    if (run_begin_) out_.put({run_begin_, static_cast<size_t>(run_end_ - run_begin_)});
    run_begin_ = run_end_ = nullptr;
  }

  Writer& out_;
  const char* run_begin_ = nullptr;
  const char* run_end_ = nullptr;
};

/// A bound of what the fields take when they are written. Lines that are copied as they came lie in one block.
size_t size_of(const Fields& fields) {
  if (fields.list.empty()) return 0;
  if (fields.unfolded.empty()) {
    const routing::Field& last = fields.list.back();
    return static_cast<size_t>(line_end(last) - fields.list.front().name.data());
  }
  size_t size = 0;
  for (const routing::Field& field : fields.list) size += field.name.size() + field.value.size() + 4;
  return size;
}

/// Does Connection name fields beyond the options that weir reads itself?
bool names_fields(const Fields& fields) {
  for (size_t i = 0; i < fields.ids.size(); ++i) {
    if (fields.ids[i] != FieldId::connection) continue;
    const std::string_view value = fields.list[i].value;
    if (!same_name(value, "keep-alive") && !same_name(value, "close") && !same_name(value, "upgrade")) return true;
  }
  return false;
}

bool hop_by_hop(FieldId id) {
  switch (id) {
    case FieldId::connection:
    case FieldId::keep_alive:
    case FieldId::proxy_connection:
    case FieldId::te:
    case FieldId::upgrade:
    case FieldId::http2_settings:
      return true;
    default:
      return false;
  }
}

/// Fields that frame or route a message are not dropped because Connection names them.
bool droppable(FieldId id) {
  return id != FieldId::host && id != FieldId::content_length && id != FieldId::transfer_encoding;
}

struct XForwardedFor {
  const Fields& fields;
  const ClientFacts& client;
  void write(Writer& out) const {
    out.put("X-Forwarded-For: ");
    bool first = true;
    if (client.trusted && fields.has(FieldId::x_forwarded_for)) {
      for (size_t i = 0; i < fields.ids.size(); ++i) {
        if (fields.ids[i] != FieldId::x_forwarded_for || fields.list[i].value.empty()) continue;
        if (!first) out.put(", ");
        out.put(fields.list[i].value);
        first = false;
      }
    }
    if (!first) out.put(", ");
    out.put(client.peer.empty() ? "unknown" : client.peer).put("\r\n");
  }
};

bool passes_request(FieldId id, const RequestPlan& plan, const ClientFacts& client) {
  if (hop_by_hop(id)) return false;
  switch (id) {
    case FieldId::max_forwards:
      return !hops_left(plan.head);  // else written anew
    case FieldId::host:
      return !plan.target.replaces_host;
    case FieldId::expect:
      return plan.head.minor > 0;
    case FieldId::x_forwarded_for:
      return false;  // written anew
    case FieldId::forwarded:
    case FieldId::x_real_ip:
    case FieldId::x_forwarded_host:
    case FieldId::x_forwarded_proto:
    case FieldId::x_request_id:
      return client.trusted;
    case FieldId::client_cert:
      return client.trusted && !client.tells_certificate;
    case FieldId::x_weir:
      return false;
    default:
      return true;
  }
}

bool mentions(std::string_view list, std::string_view directive) {
  for (size_t at = 0; at + directive.size() <= list.size(); ++at) {
    if (same_name(list.substr(at, directive.size()), directive)) return true;
  }
  return false;
}

bool keeps_private(std::string_view cache_control) {
  return mentions(cache_control, "no-store") || mentions(cache_control, "private");
}

bool passes_response(FieldId id, std::string_view value, const ResponsePlan& plan) {
  if (hop_by_hop(id)) return false;
  switch (id) {
    case FieldId::content_length:
      return plan.keep_length;
    case FieldId::strict_transport_security:
      return plan.hsts.empty();
    case FieldId::transfer_encoding:
      return false;  // written anew
    case FieldId::trailer:
      return plan.chunked;
    case FieldId::cache_control:
      return !plan.make_private || keeps_private(value);
    default:
      return true;
  }
}

void copy_fields(Writer& out, const Fields& fields, auto&& passes) {
  LineCopier copier(out);
  const bool named = fields.has(FieldId::connection) && names_fields(fields);
  bool length_written = false;
  for (size_t i = 0; i < fields.list.size(); ++i) {
    const routing::Field& field = fields.list[i];
    const FieldId id = fields.ids[i];
    if (id != FieldId::other && !passes(id, field.value)) continue;
    if (named && droppable(id) && named_by_connection(fields, field.name)) continue;
    if (id == FieldId::content_length && std::exchange(length_written, true)) continue;
    const size_t comma = id == FieldId::content_length ? field.value.find(',') : std::string_view::npos;
    if (comma != std::string_view::npos) {
      copier.copy({field.name, field.value.substr(0, comma)}, true);  // equal lengths in a list: once is enough
    } else {
      copier.copy(field, !fields.unfolded.empty());
    }
  }
}

void write_status_line(Writer& out, unsigned status, std::string_view reason) {
  const char digits[3] = {static_cast<char>('0' + status / 100 % 10), static_cast<char>('0' + status / 10 % 10),
                          static_cast<char>('0' + status % 10)};
  out.put("HTTP/1.1 ").put({digits, 3}).put(" ").put(reason).put("\r\n");
}

constexpr size_t kOwnLines = 512;  // everything that weir itself adds to a head, views aside

}  // namespace

std::string_view upgrade_asked(const RequestHead& head, const Framing& framing, const ConnectionOptions& options) {
  if (!options.upgrade || head.minor == 0 || framing.kind != BodyKind::none) return {};
  const std::string_view protocol = head.fields.value(FieldId::upgrade);
  const bool one_token = !protocol.empty() && protocol.find_first_of(", \t") == std::string_view::npos;
  return one_token && !same_name(protocol, "h2c") ? protocol : std::string_view{};
}

void write_request_head(net::Bytes& out, const RequestPlan& plan, const ClientFacts& client) {
  const Fields& fields = plan.head.fields;
  const std::string_view host = plan.target.host.empty() ? client.fallback_host : plan.target.host;
  const size_t bound = plan.head.method.size() + plan.target.forwarded.size() + 2 * size_of(fields) + 2 * host.size() +
                       client.peer.size() + client.request_id.size() + client.certificate.size() + plan.upgrade.size() +
                       kOwnLines;
  Writer head(out, bound);
  head.put(plan.head.method)
      .put(plan.target.forwarded.starts_with('?') ? " /" : " ")
      .put(plan.target.forwarded)
      .put(" HTTP/1.1\r\n");
  if (plan.target.replaces_host || !fields.has(FieldId::host)) head.field("Host", host);
  copy_fields(head, fields, [&](FieldId id, std::string_view) { return passes_request(id, plan, client); });
  if (const auto hops = hops_left(plan.head)) head.field("Max-Forwards", std::to_string(*hops - 1));
  XForwardedFor{fields, client}.write(head);
  const auto believed = [&](FieldId id) { return client.trusted && fields.has(id); };
  if (!believed(FieldId::x_forwarded_proto)) head.field("X-Forwarded-Proto", client.scheme);
  if (!believed(FieldId::x_forwarded_host)) head.field("X-Forwarded-Host", host);
  if (!believed(FieldId::x_request_id)) head.field("X-Request-Id", client.request_id);
  if (!client.certificate.empty()) head.field("Client-Cert", client.certificate);
  if (!plan.upgrade.empty()) head.put("Connection: upgrade\r\n").field("Upgrade", plan.upgrade);
  head.put("\r\n");
}

void write_response_head(net::Bytes& out, const ResponsePlan& plan) {
  const Fields& fields = plan.head.fields;
  Writer head(out, plan.head.reason.size() + size_of(fields) + plan.hsts.size() + plan.extra.size() + plan.date.size() +
                       kOwnLines);
  write_status_line(head, plan.head.status, plan.head.reason);
  copy_fields(head, fields, [&](FieldId id, std::string_view value) { return passes_response(id, value, plan); });
  if (!fields.has(FieldId::date)) head.field("Date", plan.date);
  if (plan.chunked) head.put("Transfer-Encoding: chunked\r\n");
  if (plan.make_private && !keeps_private(fields.value(FieldId::cache_control))) head.put("Cache-Control: private\r\n");
  if (plan.upgrade) {
    head.put("Connection: upgrade\r\n").field("Upgrade", fields.value(FieldId::upgrade));
  } else if (plan.close) {
    head.put("Connection: close\r\n");
  } else if (plan.say_keep_alive) {
    head.put("Connection: keep-alive\r\n");
  }
  head.put(plan.hsts).put(plan.extra).put("\r\n");
}

void write_interim_head(net::Bytes& out, const ResponseHead& interim) {
  Writer head(out, interim.reason.size() + size_of(interim.fields) + kOwnLines);
  write_status_line(head, interim.status, interim.reason);
  const auto passes = [](FieldId id, std::string_view) {
    return !hop_by_hop(id) && id != FieldId::content_length && id != FieldId::transfer_encoding;
  };
  copy_fields(head, interim.fields, passes);
  head.put("\r\n");
}

void write_own_answer(net::Bytes& out, const OwnAnswer& answer) {
  fmt::memory_buffer text;
  const auto to = std::back_inserter(text);
  const std::string_view reason = reason_phrase(answer.status);
  const std::string own_body =
      answer.body.empty() ? fmt::format("{} {}\n", answer.status, reason) : std::string(answer.body);
  fmt::format_to(to, "HTTP/1.1 {} {}\r\nDate: {}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n",
                 answer.status, reason, answer.date, own_body.size());
  if (answer.fault != Fault::none) fmt::format_to(to, "Proxy-Status: weir; error={}\r\n", info(answer.fault).token);
  const std::string_view allow = answer.status == 405 && answer.allow.empty() ? kMethods : answer.allow;
  if (!allow.empty()) fmt::format_to(to, "Allow: {}\r\n", allow);
  if (answer.retry_after > 0) fmt::format_to(to, "Retry-After: {}\r\n", answer.retry_after);
  if (answer.close) fmt::format_to(to, "Connection: close\r\n");
  if (!answer.close && answer.say_keep_alive) fmt::format_to(to, "Connection: keep-alive\r\n");
  fmt::format_to(to, "{}\r\n{}", answer.extra, answer.to_head ? std::string_view{} : own_body);
  out.append({text.data(), text.size()});
}

}  // namespace weir::http
