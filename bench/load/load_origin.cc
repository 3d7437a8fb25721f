// The origins behind every proxy that is measured: one thread, plain epoll. Each port is a version; GET or POST /SIZE
// is answered with SIZE bytes that begin with the version's name. The first and then every 1000th request of a version
// has to bring X-Forwarded-For and X-Request-Id, or it is answered with 500 and the reason. What is larger than 16 MiB
// is made while it is sent.
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bench/load/head.h"
#include "bench/load/options.h"
#include "bench/load/sockets.h"
#include "bench/load/tally.h"

namespace weir::load {
namespace {

constexpr char kUsage[] = R"(usage: load_origin --serve PORT=VERSION[:OPTION…] [--serve …]

Answers /SIZE with SIZE bytes (4 or more) that begin with VERSION and a line's end, on 127.0.0.1.
:unchecked    does not look for X-Forwarded-For and X-Request-Id in the first and every 1000th request
:addresses=N  on 127.0.0.1 and the N - 1 addresses behind it
:delay=MS     answers so many milliseconds after the request
:segment=N    in TCP segments of so many bytes, as over a network, with 64 KiB on the way at most
)";
constexpr long long kLargestKept = 16 << 20;  // of an answer's bytes
constexpr unsigned kCheckEvery = 1000;

struct Answer {
  std::string bytes;    // head and body, or of a large one what comes before the filling
  long long total = 0;  // bytes to send
};

/// One port: a version and the answers that it gives, each made once.
struct Version {
  std::string name;
  bool checked = true;
  Nanos delay{};
  unsigned long long requests = 0;
  std::unordered_map<long long, Answer> answers;

  const Answer& answer(long long size);
};

std::string response_head(std::string_view status, long long size) {
  return "HTTP/1.1 " + std::string(status) +
         "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: load-origin\r\nContent-Type: "
         "text/plain\r\nContent-Length: " +
         std::to_string(size) + "\r\n\r\n";
}

const Answer& Version::answer(long long size) {
  Answer& made = answers[size];
  if (made.total > 0) return made;
  std::string body = name + "\n";
  if (size <= kLargestKept) body.resize(static_cast<size_t>(size), '.');
  made.bytes = response_head("200 OK", size);
  made.total = static_cast<long long>(made.bytes.size()) + size;
  made.bytes += body;
  return made;
}

struct Connection {
  Version* version;
  std::string held;                // of a request that has not come whole
  long long body_left = 0;         // of the request being read
  const Answer* answer = nullptr;  // being sent, or to be sent when the body is in
  long long sent = 0;              // of the answer
  bool waits = false;              // for room to send the rest of it
  bool delayed = false;            // until the answer may be sent
  unsigned long long serial = 0;   // tells it from a later one with the same descriptor
  Answer fault;                    // an answer made for this request alone
};

struct Delayed {
  Nanos due;
  int fd;
  unsigned long long serial;
};

class Origin {
 public:
  explicit Origin(const std::vector<std::string>& sites);
  [[noreturn]] void run();

 private:
  enum class Sent { whole, waits, gone };

  void serve(const std::string& site);
  int rest_of_delay() const;
  void send_delayed();
  void accept_all(int listener);
  void ready(int fd);
  bool take(int fd, Connection& connection, std::string_view bytes);
  bool use(Connection& connection, std::string_view& bytes);
  bool begin_request(Connection& connection, std::string_view head);
  void refuse(Connection& connection, std::string_view status, const std::string& why);
  Sent flush(int fd, Connection& connection);
  void drop(int fd) {
    connections_[static_cast<size_t>(fd)].reset();
    close(fd);
  }

  int epoll_ = new_epoll();
  std::vector<std::shared_ptr<Version>> listeners_;       // by descriptor
  std::vector<std::unique_ptr<Connection>> connections_;  // by descriptor
  std::deque<Delayed> delayed_;                           // soonest first, as all of an origin wait equally long
  unsigned long long serial_ = 0;
  std::vector<char> buffer_ = std::vector<char>(1 << 18);
  const std::string filling_ = std::string(1 << 20, '.');
};

Origin::Origin(const std::vector<std::string>& sites) {
  for (const std::string& site : sites) serve(site);
}

/// The number behind `name` in `site`, or `otherwise`.
long long option(std::string_view site, std::string_view name, long long otherwise) {
  const size_t at = site.find(name);
  if (at == std::string_view::npos) return otherwise;
  const std::string_view rest = site.substr(at + name.size());
  return digits(rest.substr(0, rest.find(':')));
}

/// Connections take it over from their listener.
void as_over_a_network(int listener, int segment) {
  const int on_the_way = 64 << 10;
  setsockopt(listener, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
  setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &on_the_way, sizeof on_the_way);
}

void Origin::serve(const std::string& site) {
  const size_t equals = site.find('='), colon = site.find(':');
  const auto port = static_cast<uint16_t>(digits(std::string_view(site).substr(0, equals)));
  auto version = std::make_shared<Version>();
  version->name = site.substr(equals + 1, colon == std::string::npos ? colon : colon - equals - 1);
  version->checked = site.find(":unchecked") == std::string::npos;
  version->delay = std::chrono::milliseconds(option(site, ":delay=", 0));
  const int segment = static_cast<int>(option(site, ":segment=", 0));
  const long long addresses = option(site, ":addresses=", 1);
  for (long long host = 1; host <= addresses; ++host) {
    const int fd = listen_on(port, static_cast<uint8_t>(host));
    if (segment > 0) as_over_a_network(fd, segment);
    if (listeners_.size() <= static_cast<size_t>(fd)) listeners_.resize(static_cast<size_t>(fd) + 1);
    listeners_[static_cast<size_t>(fd)] = version;
    epoll_event event{EPOLLIN, {.fd = fd}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }
}

void Origin::run() {
  epoll_event events[256];
  for (;;) {
    const int count = epoll_wait(epoll_, events, 256, rest_of_delay());
    send_delayed();
    for (int i = 0; i < count; ++i) {
      const auto fd = static_cast<size_t>(events[i].data.fd);
      if (fd < listeners_.size() && listeners_[fd]) {
        accept_all(events[i].data.fd);
      } else {
        ready(events[i].data.fd);
      }
    }
  }
}

/// In milliseconds, rounded up; -1: nothing is delayed.
int Origin::rest_of_delay() const {
  if (delayed_.empty()) return -1;
  const auto rest = std::chrono::ceil<std::chrono::milliseconds>(delayed_.front().due - now()).count();
  return static_cast<int>(std::max<long long>(rest, 0));
}

void Origin::send_delayed() {
  if (delayed_.empty()) return;
  for (const Nanos time = now(); !delayed_.empty() && delayed_.front().due <= time; delayed_.pop_front()) {
    const int fd = delayed_.front().fd;
    Connection* connection = connections_[static_cast<size_t>(fd)].get();
    if (connection == nullptr || connection->serial != delayed_.front().serial) continue;
    connection->delayed = false;
    if (flush(fd, *connection) != Sent::whole) continue;
    const std::string held = std::exchange(connection->held, {});
    take(fd, *connection, held);
  }
}

void Origin::accept_all(int listener) {
  for (int fd = accept_from(listener); fd >= 0; fd = accept_from(listener)) {
    if (connections_.size() <= static_cast<size_t>(fd)) connections_.resize(static_cast<size_t>(fd) + 1);
    connections_[static_cast<size_t>(fd)] =
        std::make_unique<Connection>(Connection{.version = listeners_[static_cast<size_t>(listener)].get()});
    connections_[static_cast<size_t>(fd)]->serial = ++serial_;
    epoll_event event{EPOLLIN, {.fd = fd}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }
}

void Origin::ready(int fd) {
  const auto& here = connections_[static_cast<size_t>(fd)];
  if (!here) return;  // gone since the event was told
  Connection& connection = *here;
  if (connection.waits) {
    if (flush(fd, connection) != Sent::whole) return;
    const std::string held = std::exchange(connection.held, {});
    if (!take(fd, connection, held)) return;
  }
  const ssize_t got = recv(fd, buffer_.data(), buffer_.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return drop(fd);
  const std::string_view bytes(buffer_.data(), static_cast<size_t>(got));
  if (connection.delayed) {
    connection.held.append(bytes);
  } else if (connection.held.empty()) {
    take(fd, connection, bytes);
  } else {
    const std::string held = std::exchange(connection.held, {}).append(bytes);
    take(fd, connection, held);
  }
}

/// Answers the requests in `bytes` and holds what is left; false when the connection has to wait, or is gone.
bool Origin::take(int fd, Connection& connection, std::string_view bytes) {
  Sent sent = Sent::whole;
  while (sent == Sent::whole && use(connection, bytes)) {
    const Nanos delay = connection.version->delay;
    if (delay == Nanos(0)) {
      sent = flush(fd, connection);
    } else {
      delayed_.push_back({now() + delay, fd, connection.serial});
      connection.delayed = true;
      sent = Sent::waits;
    }
  }
  if (sent != Sent::gone) connection.held = bytes;
  return sent == Sent::whole;
}

/// Takes one request off the front of `bytes`; true when its answer may be sent.
bool Origin::use(Connection& connection, std::string_view& bytes) {
  if (connection.answer == nullptr) {
    const auto* end = static_cast<const char*>(memmem(bytes.data(), bytes.size(), "\r\n\r\n", 4));
    if (end == nullptr) return false;
    const std::string_view head = bytes.substr(0, static_cast<size_t>(end - bytes.data()) + 4);
    bytes.remove_prefix(head.size());
    if (begin_request(connection, head)) return true;
  }
  const size_t body = std::min(bytes.size(), static_cast<size_t>(connection.body_left));
  bytes.remove_prefix(body);
  connection.body_left -= static_cast<long long>(body);
  return connection.body_left == 0;
}

/// Chooses the answer; true when it may be sent without waiting for a body.
bool Origin::begin_request(Connection& connection, std::string_view head) {
  Version& version = *connection.version;
  const bool get = head.starts_with("GET /");
  if (!get && !head.starts_with("POST /")) return refuse(connection, "501 Not Implemented", "only GET and POST"), true;
  const std::string_view path = head.substr(get ? 5 : 6);
  const long long size = digits(path.substr(0, path.find(' ')));
  connection.body_left = get ? 0 : digits(header(head, "Content-Length"));
  if (size < 4) return refuse(connection, "404 Not Found", "/SIZE of 4 bytes or more"), true;
  if (connection.body_left < 0) return refuse(connection, "411 Length Required", "a POST has a Content-Length"), true;
  connection.answer = &version.answer(size);
  if (version.checked && version.requests++ % kCheckEvery == 0) {
    for (const char* name : {"X-Forwarded-For", "X-Request-Id"})
      if (header(head, name).empty())
        refuse(connection, "500 Internal Server Error", std::string(name) + " is missing");
  }
  return connection.body_left == 0;
}

void Origin::refuse(Connection& connection, std::string_view status, const std::string& why) {
  connection.body_left = std::max(connection.body_left, 0LL);
  const std::string body = connection.version->name + "\n" + why + "\n";
  connection.fault.bytes = response_head(status, static_cast<long long>(body.size())) + body;
  connection.fault.total = static_cast<long long>(connection.fault.bytes.size());
  connection.answer = &connection.fault;
}

/// Sends what it can of the answer. Until it is whole, the connection waits for room and reads nothing.
Origin::Sent Origin::flush(int fd, Connection& connection) {
  const Answer& answer = *connection.answer;
  ssize_t sent = 0;
  for (bool room = true; room && connection.sent < answer.total; connection.sent += sent) {
    std::string_view rest = answer.bytes;
    if (connection.sent < static_cast<long long>(rest.size())) {
      rest.remove_prefix(static_cast<size_t>(connection.sent));
    } else {
      const auto left = static_cast<size_t>(answer.total - connection.sent);
      rest = std::string_view(filling_).substr(0, std::min(left, filling_.size()));
    }
    sent = send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return drop(fd), Sent::gone;
    room = sent == static_cast<ssize_t>(rest.size());
    sent = std::max<ssize_t>(sent, 0);
  }
  const bool whole = connection.sent == answer.total;
  if (connection.waits == whole) {
    epoll_event event{whole ? EPOLLIN : EPOLLOUT, {.fd = fd}};
    epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
    connection.waits = !whole;
  }
  if (!whole) return Sent::waits;
  connection.answer = nullptr;
  connection.sent = 0;
  return Sent::whole;
}

}  // namespace
}  // namespace weir::load

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  weir::load::Options options(argc, argv, weir::load::kUsage);
  const auto sites = options.all("--serve");
  options.finish();
  if (sites.empty()) options.wrong("--serve is missing");
  weir::load::Origin(sites).run();
}
