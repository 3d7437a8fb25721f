// The origins behind every proxy that is measured: one thread, plain epoll. Each port is a version; GET or POST /SIZE
// is answered with SIZE bytes that begin with the version's name. The first and then every 1000th request of a version
// has to bring X-Forwarded-For and X-Request-Id, or it is answered with 500 and the reason.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bench/load/head.h"
#include "bench/load/options.h"
#include "bench/load/sockets.h"

namespace weir::load {
namespace {

constexpr char kUsage[] = R"(usage: load_origin --serve PORT=VERSION[:unchecked] [--serve …]

Answers /SIZE with SIZE bytes (4 to 16777216) that begin with VERSION and a line's end, on 127.0.0.1.
unchecked: does not look for X-Forwarded-For and X-Request-Id in the first and every 1000th request.
)";
constexpr long long kLargestBody = 16 << 20;
constexpr unsigned kCheckEvery = 1000;

/// One port: a version and the answers that it gives, each made once.
struct Version {
  std::string name;
  bool checked = true;
  unsigned long long requests = 0;
  std::unordered_map<long long, std::string> answers;

  const std::string& answer(long long size);
};

std::string response(std::string_view status, const std::string& body) {
  return "HTTP/1.1 " + std::string(status) +
         "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: load-origin\r\nContent-Type: "
         "text/plain\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

const std::string& Version::answer(long long size) {
  std::string& made = answers[size];
  if (!made.empty()) return made;
  std::string body = name + "\n";
  body.resize(static_cast<size_t>(size), '.');
  return made = response("200 OK", body);
}

struct Connection {
  Version* version;
  std::string held;                     // of a request that has not come whole
  long long body_left = 0;              // of the request being read
  const std::string* answer = nullptr;  // being sent, or to be sent when the body is in
  size_t sent = 0;                      // of the answer
  bool waits = false;                   // for room to send the rest of it
  std::string fault;                    // an answer made for this request alone
};

class Origin {
 public:
  explicit Origin(const std::vector<std::string>& sites);
  [[noreturn]] void run();

 private:
  enum class Sent { whole, waits, gone };

  void serve(const std::string& site);
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
  std::vector<std::unique_ptr<Version>> listeners_;       // by descriptor
  std::vector<std::unique_ptr<Connection>> connections_;  // by descriptor
  std::vector<char> buffer_ = std::vector<char>(1 << 18);
};

Origin::Origin(const std::vector<std::string>& sites) {
  for (const std::string& site : sites) serve(site);
}

void Origin::serve(const std::string& site) {
  const size_t equals = site.find('='), colon = site.find(':');
  const int fd = listen_on(static_cast<uint16_t>(digits(std::string_view(site).substr(0, equals))));
  if (listeners_.size() <= static_cast<size_t>(fd)) listeners_.resize(static_cast<size_t>(fd) + 1);
  auto version = std::make_unique<Version>();
  version->name = site.substr(equals + 1, colon == std::string::npos ? colon : colon - equals - 1);
  version->checked = colon == std::string::npos;
  listeners_[static_cast<size_t>(fd)] = std::move(version);
  epoll_event event{EPOLLIN, {.fd = fd}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void Origin::run() {
  epoll_event events[256];
  for (;;) {
    const int count = epoll_wait(epoll_, events, 256, -1);
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

void Origin::accept_all(int listener) {
  for (int fd = accept_from(listener); fd >= 0; fd = accept_from(listener)) {
    if (connections_.size() <= static_cast<size_t>(fd)) connections_.resize(static_cast<size_t>(fd) + 1);
    connections_[static_cast<size_t>(fd)] =
        std::make_unique<Connection>(Connection{listeners_[static_cast<size_t>(listener)].get()});
    epoll_event event{EPOLLIN, {.fd = fd}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }
}

void Origin::ready(int fd) {
  Connection& connection = *connections_[static_cast<size_t>(fd)];
  if (connection.waits) {
    if (flush(fd, connection) != Sent::whole) return;
    const std::string held = std::exchange(connection.held, {});
    if (!take(fd, connection, held)) return;
  }
  const ssize_t got = recv(fd, buffer_.data(), buffer_.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return drop(fd);
  const std::string_view bytes(buffer_.data(), static_cast<size_t>(got));
  if (connection.held.empty()) {
    take(fd, connection, bytes);
  } else {
    const std::string held = std::exchange(connection.held, {}).append(bytes);
    take(fd, connection, held);
  }
}

/// Answers the requests in `bytes` and holds what is left; false when the connection has to wait, or is gone.
bool Origin::take(int fd, Connection& connection, std::string_view bytes) {
  Sent sent = Sent::whole;
  while (sent == Sent::whole && use(connection, bytes)) sent = flush(fd, connection);
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
  if (size < 4 || size > kLargestBody) return refuse(connection, "404 Not Found", "/SIZE of 4 to 16777216 bytes"), true;
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
  connection.fault = response(status, connection.version->name + "\n" + why + "\n");
  connection.answer = &connection.fault;
}

/// Sends what it can of the answer. Until it is whole, the connection waits for room and reads nothing.
Origin::Sent Origin::flush(int fd, Connection& connection) {
  const std::string_view rest = std::string_view(*connection.answer).substr(connection.sent);
  const ssize_t sent = send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) return drop(fd), Sent::gone;
  connection.sent += static_cast<size_t>(std::max<ssize_t>(sent, 0));
  const bool whole = connection.sent == connection.answer->size();
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
