// The request's way: head and body from the client to the endpoint, with back-pressure.
#pragma once

#include <optional>
#include <string_view>

#include "proxy/exchange/client.h"
#include "proxy/exchange/record.h"
#include "proxy/http/chunked.h"
#include "proxy/http/framing.h"

namespace weir::proxy {

/// Bounded memory: what was read with the head, plus one piece that the endpoint has not taken yet.
class RequestRelay {
 public:
  RequestRelay(Worker& worker, Client& client, Record& record, http::Framing framing, uint64_t body_limit);

  /// Where the outgoing head is written, before `take_body`.
  net::Bytes& head() { return request_; }
  /// Takes from `behind` (bytes that came with the head) what is body; returns how many. A fault:
  /// the body is malformed or too large.
  size_t take_body(std::string_view behind);

  /// Reads a body that goes no further, behind `head`, as far as it has come. For small ones: all of it is held.
  void collect();

  /// Moves what can be moved. After a failed write nothing more is sent (`broken`), a response may
  /// still come.
  void pump(net::Stream& endpoint);

  /// The same request again, to another connection: only if `replayable`.
  void rewind();
  bool replayable() const { return body_done_ && !streamed_; }

  bool body_done() const { return body_done_; }     // read whole from the client
  bool sent() const { return sent_whole_; }         // written whole to the endpoint
  bool untouched() const { return !any_written_; }  // no byte was written on this connection
  bool broken() const { return broken_; }
  bool client_ended() const { return client_ended_; }
  /// Waits for the endpoint to take bytes (else for the client to send some).
  bool waits_for_endpoint() const { return begun_ && !sent_whole_ && (!spill_.empty() || written_ < request_.size()); }
  bool moved() { return std::exchange(moved_, false); }
  http::Fault fault() const { return fault_; }

 private:
  bool flush(net::Stream& endpoint);
  bool write_spill(net::Stream& endpoint);
  void read_body(net::Stream& endpoint);
  size_t use(std::string_view bytes, net::Bytes& out);
  size_t use_length(std::string_view bytes, net::Bytes& out);
  size_t use_chunked(std::string_view bytes, net::Bytes& out);
  bool over_limit(uint64_t bytes) const { return body_limit_ > 0 && bytes > body_limit_; }
  void write_failed();

  Worker& worker_;
  Client& client_;
  Record& record_;
  const http::Framing framing_;
  const uint64_t body_limit_;
  uint64_t left_;  // of a body with Content-Length
  std::optional<http::ChunkReader> chunks_;
  net::Bytes request_;  // head, and the body that came with it
  net::Bytes spill_;    // body that the endpoint has not taken yet
  size_t written_ = 0;  // of request_
  http::Fault fault_ = http::Fault::none;
  bool body_done_;
  bool begun_ = false;
  bool streamed_ = false;  // body went through that is in no buffer any more
  bool any_written_ = false;
  bool sent_whole_ = false;
  bool broken_ = false;
  bool client_ended_ = false;
  bool moved_ = false;
};

}  // namespace weir::proxy
