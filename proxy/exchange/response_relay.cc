#include "proxy/exchange/response_relay.h"

#include <algorithm>
#include <charconv>

#include "proxy/http/framing.h"

namespace weir::proxy {

namespace {

/// Parsing is synchronous: one head a thread is enough, and it keeps its vectors.
http::ResponseHead& scratch_head() {
  thread_local http::ResponseHead head;
  return head;
}

}  // namespace

ResponseRelay::ResponseRelay(Worker& worker, Client& client, Record& record, uint64_t head_limit)
    : worker_(worker), client_(client), record_(record), head_limit_(head_limit) {}

void ResponseRelay::add_lines(std::string_view lines, bool make_private) {
  lines_ = lines;
  make_private_ = make_private;
}

void ResponseRelay::forget_try() {
  partial_.clear();
  fault_ = http::Fault::none;
  got_any_ = false;
  interims_ = 0;
}

bool ResponseRelay::flush() {
  while (!out_.empty()) {
    const net::Io io = client_.stream.write_kept(out_.view());
    if (io.state == net::IoState::again) return false;
    if (io.state != net::IoState::ok) {
      out_.clear();
      fail(http::Fault::client_gone);
      return false;
    }
    out_.consume(io.size);
    moved_ = true;
  }
  return true;
}

void ResponseRelay::pump(net::Stream& endpoint, bool request_read) {
  request_read_ = request_read;
  if (!flush() || !drain_pipe()) return;
  for (size_t piece = 0; phase_ == Phase::head || phase_ == Phase::body; ++piece) {
    if (piece == kPiecesATurn) return client_.waiter.wake();
    if (worth_splicing(endpoint)) return splice_body(endpoint);
    const bool had_partial = !partial_.empty();
    const std::span<char> room = had_partial ? partial_.room(4096) : worker_.input().first(Worker::kBodyPiece);
    const net::Io io = endpoint.read(room);
    if (io.state == net::IoState::again) return;
    if (io.state != net::IoState::ok) return ended(io.state == net::IoState::end);
    got_any_ = moved_ = true;
    if (had_partial) {
      partial_.grow(io.size);
      const net::Bytes whole = std::exchange(partial_, {});
      take(whole.view());
    } else {
      take({room.data(), io.size});
    }
    if (fault_ != http::Fault::none || !out_.empty()) return;
  }
}

/// The rest of a large body of known length, when everything before it is out.
bool ResponseRelay::worth_splicing(const net::Stream& endpoint) {
  if (pipe_.open()) return phase_ == Phase::body;
  const bool worth = phase_ == Phase::body && kind_ == http::BodyKind::length && left_ >= kSpliced && out_.empty() &&
                     endpoint.splices() && client_.stream.splices();
  return worth && pipe_.acquire();
}

/// Writes what the pipe holds; true when it holds nothing any more.
bool ResponseRelay::drain_pipe() {
  while (pipe_.held() > 0) {
    const net::Io io = client_.stream.splice_from(pipe_);
    if (io.state == net::IoState::again) return false;
    if (io.state != net::IoState::ok) {
      fail(http::Fault::client_gone);
      return false;
    }
    moved_ = true;
  }
  return true;
}

void ResponseRelay::splice_body(net::Stream& endpoint) {
  for (size_t piece = 0; phase_ == Phase::body; ++piece) {
    if (piece == kPiecesATurn) return client_.waiter.wake();
    const net::Io io = endpoint.splice_into(pipe_, static_cast<size_t>(std::min<uint64_t>(left_, pipe_.room())));
    if (io.state == net::IoState::again) return;
    if (io.state != net::IoState::ok) return ended(io.state == net::IoState::end);
    moved_ = true;
    left_ -= io.size;
    record_.response_bytes(io.size);
    if (left_ == 0) finish_body();
    if (!drain_pipe()) return;
  }
}

/// The endpoint sent its end, or a reset.
void ResponseRelay::ended(bool cleanly) {
  if (phase_ == Phase::body && kind_ == http::BodyKind::until_close && cleanly) {
    if (body_out_ == http::BodyOut::chunk_it) add_piece("0\r\n\r\n");
    finish_body();
    return write_pieces();
  }
  fail(got_any_ ? http::Fault::response_incomplete : http::Fault::connection_terminated);
}

void ResponseRelay::take(std::string_view bytes) {
  if (phase_ == Phase::head) take_heads(bytes);
  if (fault_ != http::Fault::none) return;
  if (phase_ == Phase::body) return take_body(bytes);
  if (phase_ == Phase::done && !bytes.empty()) surplus_ = true;
  flush();
}

/// Takes heads off the front of `bytes`: interim ones, until the final one.
void ResponseRelay::take_heads(std::string_view& bytes) {
  http::ResponseHead& head = scratch_head();
  while (phase_ == Phase::head && fault_ == http::Fault::none) {
    const auto parsed = http::parse_response(bytes, {.bytes = head_limit_}, head);
    if (parsed.state == http::Parsed::refused) return fail(parsed.fault);
    if (parsed.state == http::Parsed::partial) return keep_partial(std::exchange(bytes, {}));
    bytes.remove_prefix(parsed.size);
    take_head(head, bytes);
  }
}

void ResponseRelay::keep_partial(std::string_view rest) { partial_.append(rest); }

void ResponseRelay::take_head(http::ResponseHead& head, std::string_view& rest) {
  if (head.status == 101) return take_upgrade(head, rest);
  if (head.status >= 200) {
    const http::Framing framing = http::response_framing(head, asked_.head);
    if (framing.fault != http::Fault::none) return fail(framing.fault);
    return begin_body(head, framing);
  }
  if (++interims_ > kMaxInterims) return fail(http::Fault::response_malformed);
  if (asked_.minor == 0) return;  // RFC 9110 §15.2: no 1xx to an HTTP/1.0 client
  http::write_interim_head(out_, head);
}

void ResponseRelay::take_upgrade(const http::ResponseHead& head, std::string_view& rest) {
  const bool agreed =
      !asked_.upgrade.empty() && http::same_name(head.fields.value(http::FieldId::upgrade), asked_.upgrade);
  if (!agreed) return fail(http::Fault::upgrade_failed);
  status_ = 101;
  record_.response_head(101);
  http::write_response_head(
      out_, {.head = head, .keep_length = false, .upgrade = true, .date = worker_.date(), .extra = lines_});
  out_.append(std::exchange(rest, {}));  // the first bytes of the tunnel
  began_ = true;
  phase_ = Phase::upgraded;
  record_.count(101);
}

/// The final head: how the body comes, how it goes on, and what becomes of both connections.
void ResponseRelay::begin_body(const http::ResponseHead& head, http::Framing framing) {
  if (judge_ && interims_ == 0 && judge_->discards(head.status)) {
    discarded_ = head.status;
    return fail(http::Fault::answer_discarded);
  }
  if (judge_ && judge_->exhausted()) record_.retry_refused();
  status_ = head.status;
  kind_ = framing.kind;
  left_ = framing.length;
  record_.response_head(status_);

  const bool to_10 = asked_.minor == 0;
  const bool unknown_end = kind_ == http::BodyKind::chunked || kind_ == http::BodyKind::until_close;
  if (kind_ != http::BodyKind::none) body_out_ = http::BodyOut::as_is;
  if (unknown_end && to_10) body_out_ = http::BodyOut::until_close;
  if (kind_ == http::BodyKind::until_close && !to_10) body_out_ = http::BodyOut::chunk_it;
  if (kind_ == http::BodyKind::chunked) {
    chunks_.emplace(to_10 ? http::ChunkReader::Keep::data : http::ChunkReader::Keep::framing);
  }
  const auto options = http::connection_options(head.fields);
  keeps_endpoint_ = kind_ != http::BodyKind::until_close && (head.minor > 0 ? !options.close : options.keep_alive);
  keeps_client_ = asked_.keep_alive && request_read_ && !worker_.draining() && body_out_ != http::BodyOut::until_close;

  const bool answers_head = asked_.head && head.fields.has(http::FieldId::transfer_encoding);
  const bool chunked_out = !to_10 && (unknown_end || answers_head);
  http::write_response_head(out_, {.head = head,
                                   .body = body_out_,
                                   .chunked = chunked_out,
                                   .keep_length = status_ != 204 && !chunked_out,
                                   .close = !keeps_client_,
                                   .say_keep_alive = keeps_client_ && to_10,
                                   .date = worker_.date(),
                                   .extra = lines_,
                                   .make_private = make_private_,
                                   .hsts = client_.hsts()});
  began_ = true;
  phase_ = Phase::body;
  if (kind_ == http::BodyKind::none) finish_body();
}

void ResponseRelay::finish_body() {
  phase_ = Phase::done;
  record_.count(status_);  // before the last byte is sent: a scrape after the answer sees it
}

void ResponseRelay::take_body(std::string_view bytes) {
  const size_t used = take_pieces(bytes);
  if (fault_ != http::Fault::none) return;
  if (used < bytes.size()) surplus_ = true;
  write_pieces();
}

/// Sorts body bytes into pieces that go on; returns how many bytes were body.
size_t ResponseRelay::take_pieces(std::string_view bytes) {
  switch (kind_) {
    case http::BodyKind::length: {
      const size_t size = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
      add_piece(bytes.substr(0, size));
      record_.response_bytes(size);
      left_ -= size;
      if (left_ == 0) finish_body();
      return size;
    }
    case http::BodyKind::chunked: {
      const uint64_t before = chunks_->data();
      const auto state = chunks_->read(bytes);
      record_.response_bytes(chunks_->data() - before);
      for (const std::string_view range : chunks_->ranges()) add_piece(range);
      if (state == http::ChunkReader::State::malformed) fail(http::Fault::response_malformed);
      if (state == http::ChunkReader::State::done) finish_body();
      return chunks_->consumed();
    }
    default: {
      if (bytes.empty()) return 0;
      record_.response_bytes(bytes.size());
      if (body_out_ == http::BodyOut::chunk_it) {
        char* const begin = size_line_.data();
        char* end = std::to_chars(begin, begin + 17, bytes.size(), 16).ptr;
        *end++ = '\r';
        *end++ = '\n';
        add_piece({begin, static_cast<size_t>(end - begin)});
        add_piece(bytes);
        add_piece("\r\n");
      } else {
        add_piece(bytes);
      }
      return bytes.size();
    }
  }
}

void ResponseRelay::add_piece(std::string_view bytes) {
  if (bytes.empty()) return;
  pieces_size_ += bytes.size();
  // Small pieces join what waits, as long as nothing larger stands before them.
  if (pieces_.empty() && pieces_size_ <= kCopied) {
    out_.append(bytes);
    pieces_size_ = 0;
    return;
  }
  pieces_.push_back({const_cast<char*>(bytes.data()), bytes.size()});
}

/// Writes what waits and the pieces behind it; what the client does not take is kept.
void ResponseRelay::write_pieces() {
  std::vector<iovec> pieces = std::exchange(pieces_, {});
  const size_t size = std::exchange(pieces_size_, 0);
  constexpr size_t kMostPieces = 64;
  const bool gather = !pieces.empty() && pieces.size() < kMostPieces && client_.stream.writable();
  size_t taken = 0;  // of the pieces
  if (gather) {
    const size_t waiting = out_.size();
    pieces.insert(pieces.begin(), {const_cast<char*>(out_.view().data()), waiting});
    const net::Io io = client_.stream.write(std::span<iovec>(pieces));
    pieces.erase(pieces.begin());
    if (io.state == net::IoState::error) return fail(http::Fault::client_gone);
    if (io.size > 0) moved_ = true;
    if (waiting > 0) out_.consume(std::min(waiting, io.size));
    taken = io.size > waiting ? io.size - waiting : 0;
  }
  for (const iovec& piece : pieces) {
    const size_t skip = std::min(taken, piece.iov_len);
    taken -= skip;
    if (taken < size) out_.append({static_cast<const char*>(piece.iov_base) + skip, piece.iov_len - skip});
  }
  pieces.clear();
  pieces_ = std::move(pieces);  // keeps its memory for the next ones
  if (!gather) flush();
}

}  // namespace weir::proxy
