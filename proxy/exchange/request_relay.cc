#include "proxy/exchange/request_relay.h"

#include <algorithm>

namespace weir::proxy {

namespace {
constexpr size_t kPiecesATurn = 16;  // then others have their turn
}

RequestRelay::RequestRelay(Worker& worker, Client& client, Record& record, http::Framing framing, uint64_t body_limit)
    : worker_(worker),
      client_(client),
      record_(record),
      framing_(framing),
      body_limit_(body_limit),
      left_(framing.kind == http::BodyKind::length ? framing.length : 0),
      body_done_(framing.kind == http::BodyKind::none) {
  if (framing.kind == http::BodyKind::chunked) {
    // What an untrusted client may not say in its head, it may not say behind its body.
    const auto& trusted_headers = client.listener.config.trusted_headers;
    chunks_.emplace(http::ChunkReader::Keep::framing,
                    client.trusted ? std::span<const std::string>() : std::span<const std::string>(trusted_headers));
  }
  if (over_limit(left_)) fault_ = http::Fault::body_too_large;
}

size_t RequestRelay::take_body(std::string_view behind) {
  if (body_done_ || behind.empty() || fault_ != http::Fault::none) return 0;
  // At the beginning head and body are one block, so that small requests leave in one send.
  return use(behind, request_);
}

/// Uses body bytes: what goes on is appended to `out`. Returns how many were body.
size_t RequestRelay::use(std::string_view bytes, net::Bytes& out) {
  return chunks_ ? use_chunked(bytes, out) : use_length(bytes, out);
}

size_t RequestRelay::use_length(std::string_view bytes, net::Bytes& out) {
  const size_t size = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
  out.append(bytes.substr(0, size));
  left_ -= size;
  body_done_ = left_ == 0;
  record_.request_bytes(size);
  return size;
}

size_t RequestRelay::use_chunked(std::string_view bytes, net::Bytes& out) {
  const uint64_t before = chunks_->data();
  const auto state = chunks_->read(bytes);
  record_.request_bytes(chunks_->data() - before);
  for (const std::string_view range : chunks_->ranges()) out.append(range);
  body_done_ = state == http::ChunkReader::State::done;
  if (state == http::ChunkReader::State::malformed) fault_ = http::Fault::malformed_request;
  if (over_limit(chunks_->data())) fault_ = http::Fault::body_too_large;
  return chunks_->consumed();
}

void RequestRelay::collect() {
  while (!body_done_ && fault_ == http::Fault::none) {
    const net::Io io = client_.stream.read(worker_.input().first(Worker::kBodyPiece));
    if (io.state == net::IoState::again) return;
    if (io.state != net::IoState::ok) {
      client_ended_ = true;
      return;
    }
    moved_ = true;
    const std::string_view bytes(worker_.input().data(), io.size);
    client_.input.append(bytes.substr(use(bytes, request_)));
  }
}

void RequestRelay::rewind() {
  written_ = 0;
  any_written_ = sent_whole_ = broken_ = false;
}

void RequestRelay::pump(net::Stream& endpoint) {
  begun_ = true;
  if (sent_whole_ || broken_) return;
  if (flush(endpoint) && !body_done_) read_body(endpoint);
  const bool all_out = written_ == request_.size() && spill_.empty();
  if (body_done_ && all_out && !broken_ && !std::exchange(sent_whole_, true)) record_.request_sent();
}

/// Writes what waits; true when nothing does any more.
bool RequestRelay::flush(net::Stream& endpoint) {
  while (written_ < request_.size()) {
    const net::Io io = endpoint.write_kept(request_.view().substr(written_));
    if (io.state == net::IoState::again) {
      // Of a TLS record that did not fit a part has left, though no byte of ours is told to have.
      if (endpoint.tls() && !endpoint.writable()) any_written_ = true;
      return false;
    }
    if (io.state != net::IoState::ok) return write_failed(), false;
    written_ += io.size;
    any_written_ = moved_ = true;
  }
  return write_spill(endpoint);
}

bool RequestRelay::write_spill(net::Stream& endpoint) {
  while (!spill_.empty()) {
    const net::Io io = endpoint.write(spill_.view());
    if (io.state == net::IoState::again) return false;
    if (io.state != net::IoState::ok) return write_failed(), false;
    spill_.consume(io.size);
    moved_ = true;
  }
  return true;
}

void RequestRelay::write_failed() {
  broken_ = true;
  spill_.clear();
}

void RequestRelay::read_body(net::Stream& endpoint) {
  for (size_t piece = 0; !body_done_; ++piece) {
    if (piece == kPiecesATurn) return client_.waiter.wake();
    std::string_view bytes = client_.input.view();
    if (bytes.empty()) {
      const net::Io io = client_.stream.read(worker_.input().first(Worker::kBodyPiece));
      if (io.state == net::IoState::again) return;
      if (io.state != net::IoState::ok) {
        client_ended_ = true;
        return;
      }
      bytes = {worker_.input().data(), io.size};
    }
    streamed_ = moved_ = true;
    const size_t used = use(bytes, spill_);
    if (client_.input.empty()) {
      client_.input.append(bytes.substr(used));
    } else {
      client_.input.consume(used);
    }
    if (fault_ != http::Fault::none || !write_spill(endpoint)) return;
  }
}

}  // namespace weir::proxy
