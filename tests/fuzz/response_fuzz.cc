// A response's head: what weir reads in it, what it sends on, and whether the client reads the same.
#include <string>
#include <vector>

#include "proxy/http/forward.h"
#include "proxy/http/framing.h"
#include "tests/fuzz/invariant.h"

namespace weir::http {
namespace {

using fuzz::hold;

void hold_client(const ResponseHead& head, const Framing& framing, bool to_head) {
  const bool unknown_end = framing.kind == BodyKind::chunked || framing.kind == BodyKind::until_close;
  net::Bytes out;
  write_response_head(out, {.head = head,
                            .body = framing.kind == BodyKind::none ? BodyOut::none : BodyOut::as_is,
                            .chunked = unknown_end,
                            .keep_length = head.status != 204 && !unknown_end,
                            .close = true,
                            .date = "Sun, 06 Nov 1994 08:49:37 GMT"});
  const std::string sent(out.view());
  ResponseHead next;
  const auto parsed = parse_response(sent, {}, next);
  hold(parsed.state == Parsed::complete && parsed.size == sent.size(), "what goes on is one whole head");
  hold(next.status == head.status && next.reason == head.reason, "status and reason stay");
  hold(sent.find("\r\n ") == std::string::npos && sent.find("\r\n\t") == std::string::npos, "no fold goes on");
  const Framing then = response_framing(next, to_head);
  const Framing expected = framing.kind == BodyKind::until_close ? Framing{BodyKind::chunked} : framing;
  hold(then.fault == Fault::none && then.kind == expected.kind && then.length == expected.length,
       "the client frames the body as weir does");
  hold(!next.fields.has(FieldId::keep_alive) && !next.fields.has(FieldId::upgrade), "no hop-by-hop field goes on");
}

}  // namespace
}  // namespace weir::http

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  using namespace weir::http;
  using weir::fuzz::hold;
  if (size == 0) return 0;
  const unsigned char options = data[0];
  const std::vector<char> exact(data + 1, data + size);
  const std::string_view bytes(exact.data(), exact.size());
  const HeadLimits limits{options & 1 ? 0u : 1024u, 0, 0};
  ResponseHead head;
  const auto parsed = parse_response(bytes, limits, head);
  if (parsed.state != Parsed::complete) return 0;
  hold(parsed.size <= bytes.size(), "a head is within its bytes");
  hold(head.status >= 100 && head.status <= 999, "a status has three digits");
  for (size_t cut = 0; cut < parsed.size; cut += 1 + parsed.size / 16) {
    const std::vector<char> part(exact.begin(), exact.begin() + static_cast<std::ptrdiff_t>(cut));
    ResponseHead partial;
    hold(parse_response({part.data(), part.size()}, limits, partial).state == Parsed::partial, "a cut head is partial");
  }
  if (head.status < 200) {
    weir::net::Bytes out;
    write_interim_head(out, head);
    ResponseHead next;
    hold(parse_response(out.view(), {}, next).state == Parsed::complete, "an interim head stays one");
    hold(!next.fields.has(FieldId::content_length) && !next.fields.has(FieldId::transfer_encoding),
         "an interim head frames no body");
    return 0;
  }
  const Framing framing = response_framing(head, options & 2);
  if (framing.fault == Fault::none) hold_client(head, framing, options & 2);
  return 0;
}
