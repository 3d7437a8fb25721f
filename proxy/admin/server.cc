#include "proxy/admin/server.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstring>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "proxy/admin/connection.h"
#include "proxy/admin/event_queue.h"
#include "proxy/admin/listen.h"

namespace weir::admin {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

using boost::system::error_code;
using Acceptor = asio::basic_socket_acceptor<Protocol, Executor>;
using Parser = http::request_parser<http::string_body>;

constexpr uint32_t kMaxHead = 16 * 1024;
constexpr uint64_t kMaxBody = 64 * 1024;
constexpr size_t kMaxBuffer = 2 * kMaxHead + kMaxBody;
constexpr size_t kPiece = 16 * 1024;  // read at once
constexpr std::chrono::milliseconds kPauseAfterFailedAccept{100};
constexpr std::chrono::milliseconds kGoodbye{1000};  // for a client to take its last answer
constexpr std::chrono::seconds kPatience{60};        // with the operator

auto into(error_code& error) { return asio::redirect_error(asio::use_awaitable_t<Executor>(), error); }

std::vector<std::string> values(const http::fields& fields, http::field name) {
  std::vector<std::string> all;
  const auto [begin, end] = fields.equal_range(name);
  for (auto at = begin; at != end; ++at) all.emplace_back(at->value());
  return all;
}

/// Taken before the body is read: Beast adds the fields of a trailer to those of the head.
Request request_of(const Parser::value_type& message) {
  Request request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  request.http_1_0 = message.version() < 11;
  request.hosts = values(message, http::field::host);
  request.origins = values(message, http::field::origin);
  request.authorizations = values(message, http::field::authorization);
  request.if_matches = values(message, http::field::if_match);
  request.user_agents = values(message, http::field::user_agent);
  const auto [begin, end] = message.equal_range("X-Weir-Actor");
  for (auto at = begin; at != end; ++at) request.actors.emplace_back(at->value());
  return request;
}

/// Who is at the other end, as far as the kernel knows.
std::string peer_of(Socket& socket) {
  error_code error;
  const auto end = socket.remote_endpoint(error);
  net::SocketAddress address;
  if (!error) std::memcpy(address.get(), end.data(), std::min(end.size(), sizeof address.storage));
  if (const auto ip = net::ip_of(address)) return ip->text();
  ucred owner{};
  socklen_t length = sizeof owner;
  const bool known = getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &owner, &length) == 0;
  return known ? fmt::format("unix uid {}", owner.uid) : "unknown";
}

/// Framing that could be read in two ways (RFC 9112 §6.1, §6.3); Beast lets some of it pass.
bool ambiguous(const Parser::value_type& message) {
  const auto codings = values(message, http::field::transfer_encoding);
  const auto lengths = values(message, http::field::content_length);
  if (codings.empty()) return lengths.size() > 1 || (!lengths.empty() && lengths[0].find(',') != std::string::npos);
  return codings.size() > 1 || !lengths.empty() || message.version() < 11 || !beast::iequals(codings[0], "chunked");
}

/// The answer to a request that cannot be read; nothing where there is nobody to answer.
std::optional<Response> refusal(const error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return problem(431, "the request's head is over 16 KiB");
  }
  if (error == http::error::body_limit) return problem(413, "the request's body is over 64 KiB");
  if (error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
  static const auto& category = make_error_code(http::error::bad_method).category();
  if (error.category() != category) return std::nullopt;  // the connection's own end, or time is up
  return problem(400, "this is not a well-formed HTTP/1.1 request: " + error.message());
}

/// Who is at the other end of a connection.
struct Client {
  std::string peer;
  std::optional<std::string> certificate;
};

enum class Part { head, all };

/// What one coroutine waits for, and others know of it: `timer` is cancelled when there is something.
struct Bell {
  explicit Bell(const Executor& executor) : timer(executor) {}
  Timer timer;
  std::optional<Response> response;
  bool gone = false;  // the client
};

}  // namespace

/// Everything that connections share. Held by the Server and by each coroutine, so that it outlives both.
class Server::Core : public std::enable_shared_from_this<Server::Core> {
 public:
  Core(asio::io_context& io, Options options, Access access, Sources sources, Listening listening)
      : acceptor_(io.get_executor(), Protocol(listening.address.family(), 0), listening.descriptor),
        pause_(io.get_executor()),
        options_(std::move(options)),
        access_(std::move(access)),
        sources_(std::move(sources)),
        listening_(std::move(listening)) {}

  void accept_more() {
    if (accepting_ || stopped_ || retired_) return;
    accepting_ = true;
    asio::co_spawn(acceptor_.get_executor(), accept(shared_from_this()), asio::detached);
  }

  int descriptor() { return acceptor_.native_handle(); }

  void begin() {
    owned_ = true;
    accept_more();
  }

  void retire() {
    retired_ = true;
    owned_ = false;
    error_code ignored;
    acceptor_.close(ignored);
    for (Bell* reader : readers_) reader->timer.cancel();
  }

  bool busy() const { return asked_ > 0; }

  void stop() {
    if (std::exchange(stopped_, true)) return;
    if (owned_) remove_file(listening_);
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    for (Connection* connection : connections_) connection->close();
    for (EventQueue* queue : queues_) queue->end();
    for (Bell* bell : bells_) bell->timer.cancel();
    sources_ = {};
  }

  const net::SocketAddress& address() const { return listening_.address; }

 private:
  /// A connection's place among those open, which `accept` has counted already.
  class Place {
   public:
    Place(Core& core, Connection& connection) : core_(core), connection_(connection) {
      core_.connections_.insert(&connection_);
    }
    Place(const Place&) = delete;
    ~Place() {
      core_.connections_.erase(&connection_);
      --core_.open_;
      core_.accept_more();
    }

   private:
    Core& core_;
    Connection& connection_;
  };

  /// A place among those that shake hands: of more than `max_handshakes` the oldest is closed, so that silent ones
  /// keep nobody out.
  class Shaking {
   public:
    Shaking(Core& core, Connection& connection) : list_(core.shaking_), connection_(connection) {
      list_.push_back(&connection);
      if (list_.size() <= core.options_.max_handshakes) return;
      list_.front()->close();
      list_.pop_front();
    }
    Shaking(const Shaking&) = delete;
    ~Shaking() { list_.remove(&connection_); }

   private:
    std::list<Connection*>& list_;
    Connection& connection_;
  };

  /// Where `stop` finds what has to end.
  template <class T>
  class Listed {
   public:
    Listed(std::unordered_set<T*>& list, T& thing) : list_(list), thing_(thing) { list_.insert(&thing_); }
    Listed(const Listed&) = delete;
    ~Listed() { list_.erase(&thing_); }

   private:
    std::unordered_set<T*>& list_;
    T& thing_;
  };

  /// A request that is being answered.
  class Counted {
   public:
    explicit Counted(size_t& count) : count_(count) { ++count_; }
    Counted(const Counted&) = delete;
    ~Counted() { --count_; }

   private:
    size_t& count_;
  };

  // `self` keeps the core alive while the coroutine is suspended.
  static Task<void> accept(std::shared_ptr<Core> self) {
    while (!self->stopped_ && !self->retired_ && self->open_ < self->options_.max_connections) {
      error_code error;
      Socket socket = co_await self->acceptor_.async_accept(into(error));
      if (self->stopped_ || (error && self->retired_)) break;
      if (error) {
        self->pause_.expires_after(kPauseAfterFailedAccept);
        co_await self->pause_.async_wait(into(error));
        continue;
      }
      ++self->open_;
      asio::co_spawn(self->acceptor_.get_executor(), serve(self, std::move(socket)), asio::detached);
    }
    self->accepting_ = false;
  }

  static Task<void> serve(std::shared_ptr<Core> self, Socket socket) {
    Connection connection(std::move(socket), self->options_.tls ? self->options_.tls() : nullptr);
    const Place place(*self, connection);
    bool again = co_await self->open(connection);
    const Client client{peer_of(connection.socket()), connection.certificate()};
    beast::flat_buffer buffer(kMaxBuffer);
    while (again && !self->stopped_) again = co_await self->exchange(connection, buffer, client);
    connection.patience(std::min<std::chrono::milliseconds>(self->options_.timeout, kGoodbye));
    co_await connection.finish(self->stopped_);
  }

  /// False: there is nobody to serve.
  Task<bool> open(Connection& connection) {
    connection.patience(options_.handshake);
    auto opening = Connection::Opening::failed;
    {
      const Shaking shaking(*this, connection);
      opening = co_await connection.open();
    }
    if (opening == Connection::Opening::plain_text && !stopped_) {
      const Response response = problem(400, "this port speaks TLS: ask by https");
      co_await write(connection, response, false, false);
    }
    co_return opening == Connection::Opening::done;
  }

  /// Reads until the message's head, or all of it, is there.
  Task<void> read(Connection& connection, beast::flat_buffer& buffer, Parser& parser, Part part, error_code& error) {
    parser.eager(part == Part::all);
    connection.patience(options_.timeout);
    const auto is_there = [&] { return part == Part::all ? parser.is_done() : parser.is_header_done(); };
    while (!is_there()) {
      if (buffer.size() > 0) {
        buffer.consume(parser.put(buffer.data(), error));
        if (error && error != http::error::need_more) co_return;
        error = {};
        if (is_there()) co_return;
      }
      const size_t room = std::min(kPiece, buffer.max_size() - buffer.size());
      if (room == 0) co_return fail(error, http::error::buffer_overflow);
      const asio::mutable_buffer piece = buffer.prepare(room);
      const size_t size = co_await connection.read_some(piece, error);
      if (error == asio::error::eof) {
        co_return fail(error, parser.got_some() ? http::error::partial_message : http::error::end_of_stream);
      }
      if (error) co_return;
      buffer.commit(size);
    }
  }
  static void fail(error_code& error, http::error what) { error = what; }

  /// Reads one request and answers it; true if the connection may carry another.
  Task<bool> exchange(Connection& connection, beast::flat_buffer& buffer, const Client& client) {
    Parser parser;
    parser.header_limit(kMaxHead);
    parser.body_limit(kMaxBody);
    error_code error;
    co_await read(connection, buffer, parser, Part::head, error);
    if (error) co_return co_await refuse(connection, error);
    Request request = request_of(parser.get());
    request.peer = client.peer;
    request.certificate = client.certificate;
    const bool keep_alive = parser.get().keep_alive();
    if (ambiguous(parser.get())) {
      const Response response = problem(400, "the body's length can be read in two ways");
      co_return co_await write(connection, response, false, false);
    }
    if (beast::iequals(parser.get()[http::field::expect], "100-continue") && !parser.is_done()) {
      if (!co_await write(connection, "HTTP/1.1 100 Continue\r\n\r\n")) co_return false;
    }
    co_await read(connection, buffer, parser, Part::all, error);
    if (error) co_return co_await refuse(connection, error);
    if (stopped_) co_return false;
    request.body = std::move(parser.get().body());
    const Counted counted(asked_);
    const Response response = co_await answer_to(request);
    if (stopped_) co_return false;
    if (response.events && request.method != "HEAD") co_return co_await stream_events(connection, response);
    co_return co_await write(connection, response, request.method == "HEAD",
                             keep_alive && !response.events && !retired_);
  }

  /// Waits, if need be, until the operator has done what was asked; others are served meanwhile.
  Task<Response> answer_to(const Request& request) {
    const auto bell = std::make_shared<Bell>(acceptor_.get_executor());
    const Answer done = [bell](Response response) {
      bell->response = std::move(response);
      bell->timer.cancel();
    };
    answer(request, access_, sources_, done);
    if (!bell->response) {
      const Listed<Bell> listed(bells_, *bell);
      bell->timer.expires_after(kPatience);
      error_code error;
      co_await bell->timer.async_wait(into(error));
    }
    if (bell->response) co_return std::move(*bell->response);
    co_return problem(504, "it is not known yet what became of it: GET the split to see");
  }

  /// Sends events until the client goes, reads too slowly, or sends anything more.
  Task<bool> stream_events(Connection& connection, const Response& head) {
    if (queues_.size() >= options_.max_event_readers) {
      Response full = problem(503, "as many read events as may; try again later");
      full.fields.emplace_back("Retry-After", "5");
      co_return co_await write(connection, full, false, false);
    }
    const auto bell = std::make_shared<Bell>(acceptor_.get_executor());
    EventQueue queue(*sources_.control, [&connection, &queue, bell = bell.get()] {
      if (queue.overflowed()) connection.close();
      bell->timer.cancel();
    });
    const Listed<EventQueue> listed_queue(queues_, queue);
    const Listed<Bell> listed_bell(bells_, *bell), listed_reader(readers_, *bell);
    connection.socket().async_wait(asio::socket_base::wait_read, [bell](const error_code&) {
      bell->gone = true;
      bell->timer.cancel();
    });
    std::string text = serialize(head, Wire{false, false, std::chrono::system_clock::now()});
    while (co_await write(connection, text)) {
      bell->timer.expires_after(options_.heartbeat);
      error_code error;
      if (queue.empty() && !bell->gone && !retired_) co_await bell->timer.async_wait(into(error));
      if (bell->gone || stopped_ || retired_ || queue.overflowed()) break;
      text = queue.empty() ? std::string(": still here\n\n") : queue.take();
    }
    co_return false;
  }

  Task<bool> refuse(Connection& connection, error_code error) {
    const auto response = refusal(error);
    if (!response || stopped_) co_return false;
    co_return co_await write(connection, *response, false, false);
  }

  Task<bool> write(Connection& connection, const Response& response, bool head, bool keep_alive) {
    const Wire wire{head, keep_alive, std::chrono::system_clock::now()};
    const std::string text = serialize(response, wire);
    const bool written = co_await write(connection, text);
    co_return written&& keep_alive;
  }

  Task<bool> write(Connection& connection, std::string_view text) {
    connection.patience(options_.timeout);
    error_code error;
    co_await connection.write(text, error);
    co_return !error && !stopped_;
  }

  Acceptor acceptor_;
  Timer pause_;
  Options options_;
  Access access_;
  Sources sources_;
  Listening listening_;
  std::unordered_set<Connection*> connections_;  // to close them
  std::list<Connection*> shaking_;               // hands, the oldest first
  std::unordered_set<EventQueue*> queues_;
  std::unordered_set<Bell*> bells_;
  std::unordered_set<Bell*> readers_;  // of events
  size_t open_ = 0;
  size_t asked_ = 0;    // requests that are being answered
  bool owned_ = false;  // the socket is this process'
  bool accepting_ = false;
  bool retired_ = false;
  bool stopped_ = false;
};

config::Result<std::unique_ptr<Server>> Server::open(asio::io_context& io, Options options, Sources sources) {
  auto token = read_token(options.admin);
  if (!token) return token.problems();
  const bool taken_over_one = options.descriptor >= 0;
  auto listening = taken_over_one ? taken_over(options.admin, options.descriptor) : listen_on(options.admin);
  if (!listening) return listening.problems();
  Access access(options.admin, std::move(*token));
  auto core = std::make_shared<Core>(io, std::move(options), std::move(access), std::move(sources), *listening);
  auto server = std::unique_ptr<Server>(new Server(std::move(core)));
  if (!taken_over_one) server->accept();
  return server;
}

Server::Server(std::shared_ptr<Core> core) : core_(std::move(core)) {}

Server::~Server() { stop(); }

const net::SocketAddress& Server::address() const { return core_->address(); }

void Server::accept() { core_->begin(); }

int Server::descriptor() const { return core_->descriptor(); }

void Server::retire() { core_->retire(); }

bool Server::busy() const { return core_->busy(); }

void Server::stop() { core_->stop(); }

}  // namespace weir::admin
