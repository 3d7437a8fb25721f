// Heads as they go on: hop-by-hop fields gone, forwarded fields set (contract §7, RFC 9110 §7.6).
// Pure: from parsed views to bytes. Runs of untouched lines are copied as they came.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/http/framing.h"
#include "proxy/http/head.h"
#include "proxy/http/target.h"
#include "proxy/net/bytes.h"

namespace weir::http {

/// What the forwarded request says of its client.
struct ClientFacts {
  std::string_view peer;  // address text of who is connected; empty over a unix socket
  std::string_view scheme = "http";
  std::string_view fallback_host;  // for HTTP/1.0 requests without Host
  std::string_view request_id;     // used where none is believed
  bool trusted = false;            // is the peer one of trusted_proxies
  bool tells_certificate = false;  // Client-Cert (RFC 9440) is weir's to say
  std::string_view certificate;    // what it says then; empty: the client showed none
};

struct RequestPlan {
  const RequestHead& head;
  const Target& target;
  Framing framing;
  std::string_view upgrade;  // protocol asked for, when it goes on; else empty
};

/// Appends the head for the endpoint. Of a Max-Forwards that says so one is taken: it is not 0 here.
void write_request_head(net::Bytes& out, const RequestPlan& plan, const ClientFacts& client);

/// The protocol that a request asks to upgrade to, if weir passes that on: one token, HTTP/1.1,
/// no body, and not h2c (RFC 9110 §7.8; an h2c tunnel would hide requests from weir).
std::string_view upgrade_asked(const RequestHead& head, const Framing& framing, const ConnectionOptions& options);

/// How the body of a response goes on to the client.
enum class BodyOut : uint8_t { none, as_is, chunk_it, until_close };

struct ResponsePlan {
  const ResponseHead& head;
  BodyOut body = BodyOut::as_is;
  bool chunked = false;         // the head says `Transfer-Encoding: chunked`
  bool keep_length = true;      // Content-Length goes on
  bool close = false;           // `Connection: close`
  bool say_keep_alive = false;  // to an HTTP/1.0 client that asked for it
  bool upgrade = false;         // a 101 that goes on
  std::string_view date;        // added if there is none
  std::string_view extra;       // whole lines of weir's own, each with CRLF
  bool make_private = false;    // Cache-Control: private, in place of what is laxer
  std::string_view hsts;        // a whole line, in place of the endpoint's Strict-Transport-Security; empty: none
};

void write_response_head(net::Bytes& out, const ResponsePlan& plan);

/// An interim response (1xx but 101) as it came, without hop-by-hop fields.
void write_interim_head(net::Bytes& out, const ResponseHead& head);

/// An answer that weir makes itself: status, `Proxy-Status`, a line of text.
struct OwnAnswer {
  Fault fault = Fault::none;
  unsigned status = 0;
  std::string_view body;  // text/plain; empty: the status' name
  std::string_view date;
  bool close = false;
  bool say_keep_alive = false;
  bool to_head = false;      // no body goes out
  std::string_view allow;    // methods to name; empty: none, with 405 those that weir passes on
  unsigned retry_after = 0;  // seconds; 0: not said
  std::string_view extra;    // whole lines
};
/// The methods that weir passes on.
inline constexpr std::string_view kMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
void write_own_answer(net::Bytes& out, const OwnAnswer& answer);

}  // namespace weir::http
