#include "proxy/session.h"

#include <sys/socket.h>

#include "proxy/http/trust.h"
#include "proxy/net/proxy_protocol.h"

namespace weir::proxy {

namespace {

constexpr std::chrono::seconds kLinger{5};
constexpr std::chrono::seconds kLastMoment{1};  // for a connection without a request when its listener goes
constexpr unsigned kRequestsATurn = 16;
constexpr size_t kSmallHead = 4096;  // up to here a partial head is parsed at every read

bool only_line_ends(std::string_view bytes) {
  return bytes.size() % 2 == 0 && bytes.size() <= 16 &&
         bytes == std::string_view("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n").substr(0, bytes.size());
}

/// Heads are parsed and used before anything is awaited: one a thread is enough.
http::RequestHead& scratch_head() {
  thread_local http::RequestHead head;
  return head;
}

}  // namespace

void Session::start(Entrance& entrance, int fd, std::optional<config::IpAddress> peer) {
  auto* const session = new Session(entrance, peer);
  session->stream_.adopt(fd);
  session->coroutine_ = session->run();
  session->coroutine_.start();
}

Session::Session(Entrance& entrance, std::optional<config::IpAddress> peer)
    : entrance_(entrance),
      waiter_(worker().loop()),
      stream_(worker().loop()),
      patience_(waiter_),
      peer_(peer.value_or(config::IpAddress{})),
      has_peer_(peer.has_value()) {
  stream_.wake_with(&waiter_);
  join_before(entrance_.sessions());
  counted_in_ = entrance_.session_begins();
}

Session::~Session() {
  leave();
  entrance_.session_ends(*counted_in_);
}

void Session::wake_all(Entrance& entrance) {
  const net::Link& ring = entrance.sessions();
  for (net::Link* link = ring.next; link != &ring; link = link->next) static_cast<Session*>(link)->waiter_.wake();
}

void Session::end_all(Entrance& entrance) {
  while (!entrance.sessions().alone()) {
    auto* const session = static_cast<Session*>(entrance.sessions().next);
    session->coroutine_.destroy();
    delete session;
  }
}

net::Detached Session::run() {
  // Its request may be there already; but while events are noted nothing of another connection may end (loop.h).
  waiter_.wake();
  do {
    co_await waiter_.event();
  } while (opening() || shaking_hands());
  Outcome outcome;
  if (strange_) outcome.next = Outcome::Next::linger;
  do {
    if (!stream_.open() || strange_) break;
    http::RequestHead& head = scratch_head();
    Behind behind;
    Reading reading;
    if (++unbroken_ > kRequestsATurn) {  // answers of weir's own need no waiting: others have their turn
      unbroken_ = 0;
      waiter_.wake();
      co_await waiter_.event();
    }
    while ((reading = read_head(head, behind)) == Reading::wait) {
      unbroken_ = 0;
      co_await waiter_.event();
    }
    if (reading == Reading::over) break;
    trust_anew();
    outcome = co_await answer(reading, head, behind);
  } while (ready_for_another(outcome));
  while (outcome.next == Outcome::Next::linger && lingering()) co_await waiter_.event();
  delete this;
}

/// A coroutine of its own, so that a session that waits for its next request holds nothing of it.
net::Task<Outcome> Session::answer(Reading reading, http::RequestHead& head, const Behind& behind) {
  Client client{
      stream_, waiter_, patience_, input_, *site_, peer_, has_peer_, trusted_, entrance_.closed() || outlived_};
  if (reading == Reading::head) co_return co_await serve_request(worker(), client, head, behind, began_);
  co_return co_await refuse_request(worker(), client, fault_, began_);
}

/// Waits for the PROXY header that a trusted peer has to send first.
bool Session::opening() {
  if (opened_) return false;
  trust_anew();
  const bool due = site_->config.proxy_protocol == config::ProxyProtocol::accept && trusted_;
  if (!due) {
    opened_ = true;
    return false;
  }
  if (began_.count() == 0) {
    began_ = net::monotonic();
    patience_.limit(worker().view()->config().timeouts.request_head);
  }
  for (;;) {
    const std::span<char> room = input_.room(4096);
    const net::Io io = stream_.read(room);
    if (io.state == net::IoState::again && !patience_.expired()) return true;
    if (io.state != net::IoState::ok) break;
    input_.grow(io.size);
    const auto header = net::read_proxy_header(input_.view());
    if (header.state == net::ProxyHeader::State::partial) continue;
    if (header.state == net::ProxyHeader::State::malformed) break;
    if (header.source) {
      peer_ = *header.source;
      has_peer_ = true;
      site_ = nullptr;  // whether to believe this address is judged anew
    }
    input_.consume(header.size);
    began_ = {};
    patience_.stop();
    opened_ = true;
    return false;
  }
  entrance_.count_rejected(RejectReason::proxy_protocol);
  stream_.close();
  opened_ = true;
  return false;
}

/// The TLS handshake, where the listener speaks TLS.
bool Session::shaking_hands() {
  if (met_ || !stream_.open()) return false;
  if (!stream_.tls()) {
    const auto& tls = entrance_.site()->tls;
    met_ = tls == nullptr;
    if (met_) return false;
    stream_.serve_tls(tls, input_.view());
    input_.clear();
    handshake_ = std::make_unique<net::Handshake>(waiter_);
    handshake_->begin(worker().handshakes(), entrance_.most_handshakes());
    patience_.limit(worker().view()->config().timeouts.tls_handshake);
  }
  const net::Io io = stream_.shake_hands();
  if (io.state == net::IoState::again && !patience_.expired() && !handshake_->dropped()) return true;
  handshake_over(io);
  met_ = true;
  handshake_.reset();
  patience_.stop();
  return false;
}

/// Who failed is told why, as far as possible: by an alert, which has been sent, or in plain text.
void Session::handshake_over(const net::Io& io) {
  using Result = HandshakeResult;
  const net::Tls& tls = *stream_.tls();
  const auto count = [&](Result result) { entrance_.count_handshake(result, tls.version()); };
  if (io.state == net::IoState::ok) return count(tls.resumed() ? Result::resumed : Result::full);
  if (io.state == net::IoState::again) {
    count(handshake_->dropped() ? Result::dropped : Result::timeout);
    return stream_.close();
  }
  switch (tls.fault()) {
    case net::TlsFault::plain_text:
      count(Result::plain_text);
      fault_ = http::Fault::plain_text;
      began_ = net::monotonic();
      return stream_.drop_tls();
    case net::TlsFault::certificate:
      count(Result::certificate);
      break;
    case net::TlsFault::alert:
      count(Result::alert);
      break;
    case net::TlsFault::none:
    case net::TlsFault::protocol:
      count(Result::protocol);
      break;
    case net::TlsFault::gone:
      count(Result::gone);
      return stream_.close();
  }
  strange_ = true;
  stream_.drop_tls();
}

void Session::trust_anew() {
  if (site_ == entrance_.site()) return;
  site_ = entrance_.site();
  outlived_ = outlived_ || (met_ && has_outlived(site_->tls.get()));
  trusted_ = has_peer_ ? http::trusts(site_->config, peer_) : site_->config.trust_unix_peers;
}

/// The listener may keep out by now whom it let in then, or began or ceased to speak TLS: the client has to come anew.
bool Session::has_outlived(const net::TlsServer* now) const {
  const net::TlsServer* const then = stream_.tls() ? stream_.tls()->server() : nullptr;
  if (now == nullptr || then == nullptr) return now != then;
  return now != then && now->takes_away_from(*then);
}

/// Reads until a head is whole. `behind` are the bytes behind it.
Session::Reading Session::read_head(http::RequestHead& head, Behind& behind) {
  if (fault_ == http::Fault::plain_text) return Reading::refused;
  const auto& timeouts = worker().view()->config().timeouts;
  const auto take = [&](std::string_view bytes, bool in_worker) {
    const Reading reading = parse(head, bytes);
    if (reading == Reading::head) behind = {bytes.substr(parsed_), in_worker, parsed_};
    if (reading != Reading::wait) parsed_ = 0;
    return reading;
  };
  const bool waited = parsed_ > 0 || began_.count() != 0;
  if (!input_.empty() && parsed_ == 0) {
    if (!waited) began_ = net::monotonic(), patience_.limit(timeouts.request_head);
    if (const Reading reading = take(input_.view(), false); reading != Reading::wait) return reading;
    parsed_ = static_cast<uint32_t>(input_.size());
  } else if (!waited && !patience_.running()) {
    patience_.limit(timeouts.client_idle);
  }
  for (;;) {
    const bool fresh = input_.empty();
    const std::span<char> room = fresh ? worker().input().first(Worker::kBodyPiece) : input_.room(4096);
    const net::Io io = stream_.read(room);
    if (io.state == net::IoState::again) break;
    if (io.state != net::IoState::ok) return Reading::over;
    if (fresh && only_line_ends({room.data(), io.size})) continue;  // RFC 9112 §2.2: no request yet
    if (began_.count() == 0) {
      began_ = net::monotonic();
      if (fresh) patience_.stop();
    }
    Reading reading = Reading::wait;
    if (fresh) {
      reading = take({room.data(), io.size}, true);
      if (reading == Reading::wait) {
        input_.append({room.data(), io.size});
        patience_.limit(timeouts.request_head);
      }
    } else {
      input_.grow(io.size);
      if (worth_parsing()) reading = take(input_.view(), false);
    }
    if (reading != Reading::wait) return reading;
    parsed_ = static_cast<uint32_t>(input_.size());
  }
  if (has_reason_to_end()) {
    // A request may have come that no event told of yet; and who has just connected gets a moment.
    if (stream_.look()) return read_head(head, behind);
    if (served_) return Reading::over;
    if (!std::exchange(hurried_, true)) patience_.limit(kLastMoment);
  }
  if (!patience_.expired()) return Reading::wait;
  if (input_.empty()) return Reading::over;
  fault_ = http::Fault::head_timeout;
  return Reading::refused;
}

/// On Reading::head `parsed_` is the head's size.
Session::Reading Session::parse(http::RequestHead& head, std::string_view bytes) {
  const auto& limits = worker().view()->config().limits;
  const http::HeadLimits head_limits{limits.request_head, limits.request_headers, limits.request_target};
  const auto parsed = http::parse_request(bytes, head_limits, head);
  if (parsed.state == http::Parsed::partial) return Reading::wait;
  if (parsed.state == http::Parsed::refused) {
    fault_ = parsed.fault;
    return Reading::refused;
  }
  parsed_ = static_cast<uint32_t>(parsed.size);
  return Reading::head;
}

/// A large head that trickles in is not parsed again for every byte of it.
bool Session::worth_parsing() const {
  const std::string_view bytes = input_.view();
  if (bytes.size() <= kSmallHead) return true;
  const uint64_t limit = worker().view()->config().limits.request_head;
  const size_t from = parsed_ > 3 ? parsed_ - 3 : 0;
  return (limit > 0 && bytes.size() >= limit) || bytes.find("\r\n\r\n", from) != std::string_view::npos;
}

/// Draining, or its listener was removed, or lets in others now: an idle connection ends.
bool Session::has_reason_to_end() {
  trust_anew();
  return input_.empty() && (outlived_ || entrance_.idle_ends());
}

bool Session::ready_for_another(Outcome& outcome) {
  began_ = {};
  parsed_ = 0;
  served_ = true;
  patience_.stop();
  switch (outcome.next) {
    case Outcome::Next::another_request:
      return true;
    case Outcome::Next::abort:
      stream_.abort();
      return false;
    case Outcome::Next::close:
      // Whoever still sends would get a reset, and lose what it has not read yet.
      if (!input_.empty() || stream_.look()) outcome.next = Outcome::Next::linger;
      break;
    case Outcome::Next::linger:
      break;
  }
  return false;
}

/// RFC 9112 §9.6: the answer must not be lost in a reset because the client was still sending.
bool Session::lingering() {
  if (!patience_.running()) {
    stream_.shutdown_write();
    input_.clear();
    patience_.limit(kLinger);
  }
  for (size_t piece = 0; piece < 16; ++piece) {
    const net::Io io = stream_.read(worker().input());
    if (io.state == net::IoState::again) return !patience_.expired();
    if (io.state != net::IoState::ok) return false;
  }
  waiter_.wake();
  return !patience_.expired();
}

}  // namespace weir::proxy
