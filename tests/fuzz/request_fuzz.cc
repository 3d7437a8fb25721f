// A request's head: what weir reads in it, what it sends on, and whether the next reader reads the same.
#include <string>
#include <vector>

#include "proxy/http/forward.h"
#include "proxy/http/framing.h"
#include "proxy/http/target.h"
#include "tests/fuzz/invariant.h"

namespace weir::http {
namespace {

using fuzz::hold;

std::string forwarded(const RequestHead& head, const Target& target, const Framing& framing, bool trusted) {
  net::Bytes out;
  const auto upgrade = upgrade_asked(head, framing, connection_options(head.fields));
  const ClientFacts facts{.peer = "192.0.2.1", .fallback_host = "fallback", .request_id = "id", .trusted = trusted};
  write_request_head(out, {head, target, framing, upgrade}, facts);
  return std::string(out.view());
}

size_t count(const Fields& fields, FieldId id) {
  size_t found = 0;
  for (const FieldId one : fields.ids) found += one == id;
  return found;
}

/// A prefix of a whole head is never refused, nor read as a whole one of its own.
void hold_prefixes(std::string_view whole, const HeadLimits& limits) {
  for (size_t cut = 0; cut < whole.size(); cut += 1 + whole.size() / 16) {
    const std::vector<char> exact(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut));
    RequestHead head;
    hold(parse_request({exact.data(), exact.size()}, limits, head).state == Parsed::partial, "a cut head is partial");
  }
}

void hold_next_reader(const RequestHead& head, const Target& target, const Framing& framing, bool trusted) {
  const std::string sent = forwarded(head, target, framing, trusted);
  RequestHead next;
  const auto parsed = parse_request(sent, {}, next);
  hold(parsed.state == Parsed::complete && parsed.size == sent.size(), "what goes on is one whole head");
  hold(next.method == head.method, "the method stays");
  hold(next.minor == 1, "weir speaks HTTP/1.1");
  hold(next.target == target.forwarded || next.target == "/" + std::string(target.forwarded), "the target stays");
  const Target again = read_target(next);
  hold(again.fault == Fault::none, "the target can be read again");
  hold(again.path == target.path && again.query == target.query, "path and query are those that were routed by");
  hold(count(next.fields, FieldId::host) == 1, "exactly one Host goes on");
  hold(target.host.empty() || again.host == target.host, "Host is what was routed by");
  const Framing then = request_framing(next);
  hold(then.fault == Fault::none && then.kind == framing.kind && then.length == framing.length, "the framing stays");
  hold(count(next.fields, FieldId::keep_alive) + count(next.fields, FieldId::proxy_connection) +
               count(next.fields, FieldId::te) + count(next.fields, FieldId::http2_settings) ==
           0,
       "no hop-by-hop field goes on");
  hold(count(next.fields, FieldId::x_weir) == 0, "nobody sends X-Weir-*");
  hold(count(next.fields, FieldId::x_forwarded_for) == 1, "there is one X-Forwarded-For");
  for (size_t i = 0; i < head.fields.list.size(); ++i) {
    const bool stays =
        head.fields.ids[i] == FieldId::other && !named_by_connection(head.fields, head.fields.list[i].name);
    if (!stays) continue;
    bool found = false;
    for (const auto& field : next.fields.list)
      found |= field.name == head.fields.list[i].name && field.value == head.fields.list[i].value;
    hold(found, "every end-to-end field goes on unchanged");
  }
}

}  // namespace
}  // namespace weir::http

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  using namespace weir::http;
  if (size == 0) return 0;
  const unsigned char options = data[0];
  const std::vector<char> exact(data + 1, data + size);  // so that a read behind the end is seen
  const std::string_view bytes(exact.data(), exact.size());
  const HeadLimits limits = options & 1 ? HeadLimits{} : HeadLimits{1024, 20, 200};
  RequestHead head;
  const auto parsed = parse_request(bytes, limits, head);
  if (parsed.state != Parsed::complete) return 0;
  weir::fuzz::hold(parsed.size <= bytes.size(), "a head is within its bytes");
  hold_prefixes(bytes.substr(0, parsed.size), limits);
  const Target target = read_target(head);
  const Framing framing = request_framing(head);
  if (target.fault != Fault::none || framing.fault != Fault::none || hops_left(head) == 0) return 0;
  hold_next_reader(head, target, framing, options & 2);
  return 0;
}
