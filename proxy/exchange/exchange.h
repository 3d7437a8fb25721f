// One request and its response: decide, acquire, relay, count.
#pragma once

#include <string_view>

#include "proxy/exchange/client.h"
#include "proxy/http/head.h"
#include "proxy/net/task.h"
#include "proxy/worker.h"

namespace weir::proxy {

/// What becomes of the client's connection.
struct Outcome {
  enum class Next {
    another_request,  // nothing of this one is left over
    close,            // whatever had to be said was said
    linger,           // the answer is out, but the client may still be sending: close softly
    abort,            // the client must not take what it got for the whole
  } next = Next::close;
};

/// Bytes that stand behind a head, in the worker's input or in the client's.
struct Behind {
  std::string_view bytes;
  bool in_worker = true;  // else at the front of client.input, behind `head_size` bytes
  size_t head_size = 0;
};

/// Serves one request whose head was read. `head` and `behind` are used before anything is awaited;
/// bytes behind the request are in `client.input` afterwards. `began`: first byte of the request.
net::Task<Outcome> serve_request(Worker& worker, Client& client, http::RequestHead& head, Behind behind,
                                 net::Nanos began);

/// Answers a request whose head could not be read.
net::Task<Outcome> refuse_request(Worker& worker, Client& client, http::Fault fault, net::Nanos began);

}  // namespace weir::proxy
