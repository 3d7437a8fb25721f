// Sends requests through a proxy and holds every response to what was asked for: status 200, the body's size, a body
// that names its version, and the same version for the same user each time. One thread, plain epoll. Closed loop (a
// connection sends again when it was answered), or at a fixed rate: then requests have intended start times of a
// Poisson process, and latency counts from those. It can change the proxy's configuration meanwhile (changes.h).
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "bench/load/changes.h"
#include "bench/load/options.h"
#include "bench/load/reply.h"
#include "bench/load/sockets.h"
#include "bench/load/tally.h"
#include "bench/load/wire.h"

namespace weir::load {
namespace {

constexpr char kUsage[] = R"(usage: load_generator --port PORT [option …]

  --connections N    at a time (64)
  --seconds S        that are measured (1)
  --warm-up S        before them (0.2)
  --rate R           requests a second, Poisson; without it a closed loop
  --body BYTES       of each response: asks for /BYTES (256)
  --post BYTES       sends POST with a body of so many; without it GET
  --no-keep-alive    a new connection for each request
  --tls              through TLS 1.3 with TLS_AES_128_GCM_SHA256 and X25519; no certificate is verified
  --resume           with --tls and --no-keep-alive: each connection resumes the session of the one before it, and it is
                     an error where that is refused; without it every handshake is a full one
  --users N          user-0 … user-N-1 in X-User-Id, by turns (1000)
  --host NAME        in Host; a % in it is the user's number (shop.example)
  --header FIELD     'Name: value', sent too; may be repeated
  --refusals         a 503 that says when to come again is none of the errors
  --change FILE      replaced again and again while measured, by FILE.old and FILE.new by turns: files in which everybody
                     goes to old, or to new; FILE is as FILE.old at first
  --every MS         from change to change (40)
  --process PID      whose processor time is measured; may be repeated

Prints one JSON object. Exit code 1 when there was an error: its first one is in the object.
)";
constexpr auto kPatience = std::chrono::seconds(3);  // with answers that are missing at the end
constexpr uint64_t kManyErrors = 1000;               // enough to know; the run ends

struct Plan {
  uint16_t port = 0;
  size_t connections = 64;
  double seconds = 1, warm_up = 0.2, rate = 0;
  size_t body = 256, users = 1000;
  long post = -1;
  bool keep_alive = true, refusals = false, tls = false, resume = false;
  std::string host = "shop.example", change;
  std::vector<std::string> headers;
  double every = 40;  // ms
};

struct Connection {
  Wire wire;
  bool busy = false;    // a request is under way
  bool ending = false;  // answered; the proxy is to close
  size_t user = 0;
  Nanos began{};            // as intended
  Nanos sent{};             // as it was; known while the configuration is changed
  std::string_view unsent;  // rest of the request
  Reply reply;
};

std::string request(const Plan& plan, size_t user) {
  std::string host = plan.host;
  if (const size_t at = host.find('%'); at != std::string::npos) host.replace(at, 1, std::to_string(user));
  std::string text = (plan.post < 0 ? "GET /" : "POST /") + std::to_string(plan.body) + " HTTP/1.1\r\nHost: " + host +
                     "\r\nAccept: */*\r\nX-User-Id: user-" + std::to_string(user) + "\r\n";
  if (plan.headers.empty()) text += "User-Agent: load-generator\r\n";
  for (const std::string& header : plan.headers) text += header + "\r\n";
  if (!plan.keep_alive) text += "Connection: close\r\n";
  if (plan.post < 0) return text + "\r\n";
  text += "Content-Type: application/octet-stream\r\nContent-Length: " + std::to_string(plan.post) + "\r\n\r\n";
  return text + std::string(static_cast<size_t>(plan.post), 'p');
}

class Generator {
 public:
  Generator(const Plan& plan, Tally& tally, Changes* changes);
  void run();

 private:
  void wait(Nanos until);
  void send_due();
  void drain();
  void open(Connection& connection);
  void reopen(Connection& connection);
  void begin(Connection& connection, Nanos intended);
  void flush(Connection& connection);
  void ready(Connection& connection, uint32_t events);
  void ended(Connection& connection);
  void answered(Connection& connection);
  void free_again(Connection& connection);
  void next(Connection& connection);
  void fail(Connection& connection, const std::string& what);
  bool in_step() const { return plan_.rate == 0; }
  void watch(Connection& connection, int operation, uint32_t events) {
    epoll_event event{events, {.ptr = &connection}};
    epoll_ctl(epoll_, operation, connection.wire.descriptor(), &event);
  }

  const Plan plan_;
  Tally& tally_;
  Changes* const changes_;  // or none
  int epoll_ = new_epoll();
  std::optional<TlsSide> tls_;
  std::vector<std::string> requests_;  // by user
  std::vector<char> version_of_;       // by user; 0: not seen yet
  std::vector<Connection> connections_;
  std::deque<Connection*> idle_;  // at a fixed rate: who is free, longest first
  std::deque<Nanos> due_;         // intended starts that found nobody free
  Nanos next_start_{};
  std::mt19937_64 chance_{42};
  std::exponential_distribution<double> gap_;
  std::vector<char> buffer_ = std::vector<char>(1 << 18);
  size_t next_user_ = 0;
  size_t under_way_ = 0;
  bool stopped_ = false;
};

Generator::Generator(const Plan& plan, Tally& tally, Changes* changes)
    : plan_(plan),
      tally_(tally),
      changes_(changes),
      version_of_(plan.users),
      connections_(plan.connections),
      gap_(std::max(plan.rate, 1.0)) {
  if (plan.tls) tls_.emplace();
  for (size_t user = 0; user < plan.users; ++user) requests_.push_back(request(plan, user));
}

void Generator::run() {
  for (Connection& connection : connections_)
    if (plan_.keep_alive) open(connection);
  const Nanos start = now(), measured = start + Nanos(static_cast<int64_t>(plan_.warm_up * 1e9)),
              end = measured + Nanos(static_cast<int64_t>(plan_.seconds * 1e9));
  next_start_ = start;
  for (Connection& connection : connections_) next(connection);
  for (Nanos time = start; time < end && tally_.errors() < kManyErrors; time = now()) {
    if (time >= measured && !tally_.in_window()) tally_.begin_window();
    if (changes_ != nullptr && tally_.in_window()) changes_->make_due();
    if (!in_step()) send_due();
    Nanos deadline = tally_.in_window() ? end : measured;
    if (changes_ != nullptr && tally_.in_window()) deadline = std::min(deadline, changes_->next());
    wait(in_step() ? deadline : std::min(deadline, next_start_));
  }
  tally_.end_window();
  drain();
}

void Generator::wait(Nanos until) {
  const Nanos rest = std::max(until - now(), Nanos(0));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(rest);
  const timespec timeout{seconds.count(), (rest - seconds).count()};
  epoll_event events[256];
  const int count = epoll_pwait2(epoll_, events, 256, &timeout, nullptr);
  for (int i = 0; i < count; ++i) ready(*static_cast<Connection*>(events[i].data.ptr), events[i].events);
}

/// Sends the requests whose time has come, as far as somebody is free.
void Generator::send_due() {
  for (const Nanos time = now(); next_start_ <= time; next_start_ += Nanos(static_cast<int64_t>(gap_(chance_) * 1e9)))
    due_.push_back(next_start_);
  while (!due_.empty() && !idle_.empty()) {
    Connection& connection = *idle_.front();
    idle_.pop_front();
    const Nanos intended = due_.front();
    due_.pop_front();
    begin(connection, intended);
  }
}

/// Nothing new is sent; an answer that does not come is an error.
void Generator::drain() {
  stopped_ = true;
  tally_.unsent(due_.size());
  const Nanos deadline = now() + kPatience;
  while (under_way_ > 0 && now() < deadline) wait(deadline);
  for (; under_way_ > 0; --under_way_) tally_.error("no answer within three seconds of the end");
}

/// What a connection does when it is free.
void Generator::next(Connection& connection) {
  if (stopped_) return;
  if (in_step()) return begin(connection, now());
  idle_.push_back(&connection);
}

void Generator::open(Connection& connection) {
  connection.ending = false;
  if (!connection.wire.connect(plan_.port, tls_ ? &*tls_ : nullptr, plan_.host)) give_up("connect");
  watch(connection, EPOLL_CTL_ADD, EPOLLIN);
}

void Generator::reopen(Connection& connection) {
  connection.wire.close(plan_.resume);
  if (plan_.keep_alive) open(connection);
  next(connection);
}

void Generator::begin(Connection& connection, Nanos intended) {
  connection.busy = true;
  connection.began = intended;
  connection.user = next_user_;
  next_user_ = next_user_ + 1 == plan_.users ? 0 : next_user_ + 1;
  if (changes_ != nullptr) connection.sent = now();
  connection.reply.begin(plan_.body, plan_.refusals);
  connection.unsent = requests_[connection.user];
  ++under_way_;
  if (!connection.wire.open()) open(connection);
  flush(connection);
}

void Generator::flush(Connection& connection) {
  const ssize_t sent = connection.wire.send(connection.unsent);
  if (sent < 0 && errno != EAGAIN) return;  // the end is told by recv, where an answer may wait before it
  connection.unsent.remove_prefix(static_cast<size_t>(std::max<ssize_t>(sent, 0)));
  if (!connection.unsent.empty() && !connection.wire.shaking_hands())
    watch(connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

void Generator::ready(Connection& connection, uint32_t events) {
  if (connection.wire.shaking_hands() && !connection.unsent.empty()) {
    flush(connection);
  } else if ((events & EPOLLOUT) != 0 && !connection.unsent.empty()) {
    flush(connection);
    if (connection.unsent.empty()) watch(connection, EPOLL_CTL_MOD, EPOLLIN);
  }
  const ssize_t got = connection.wire.receive(buffer_);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return ended(connection);
  if (!connection.busy) return fail(connection, "bytes that nobody asked for");
  switch (connection.reply.take({buffer_.data(), static_cast<size_t>(got)})) {
    case Reply::State::more:
      if (static_cast<size_t>(got) == buffer_.size()) ready(connection, 0);  // TLS may hold what epoll knows nothing of
      return;
    case Reply::State::whole:
      return answered(connection);
    case Reply::State::refused:
      tally_.refused(connection.began);
      return free_again(connection);
    case Reply::State::wrong:
      return fail(connection, connection.reply.why());
  }
}

void Generator::ended(Connection& connection) {
  if (connection.ending) return reopen(connection);
  const std::string& why = connection.wire.complaint();
  if (!connection.busy) return fail(connection, "a kept connection was closed" + why);
  fail(connection,
       (connection.reply.begun() ? "closed in the middle of a response" : "closed without a response") + why);
}

void Generator::answered(Connection& connection) {
  const char version = connection.reply.version();
  char& known = version_of_[connection.user];
  if (changes_ != nullptr) changes_->answered(connection.sent, version);
  if (changes_ == nullptr && known != 0 && known != version)
    return fail(connection, "user-" + std::to_string(connection.user) + " changed version");
  known = version;
  if (connection.wire.refused_to_resume()) return fail(connection, "a session was not resumed");
  if (plan_.resume && !connection.wire.can_resume()) return fail(connection, "there is no session to resume");
  if (!connection.unsent.empty()) return fail(connection, "answered before the request was sent whole");
  tally_.response(connection.began, version);
  free_again(connection);
}

void Generator::free_again(Connection& connection) {
  connection.busy = false;
  --under_way_;
  connection.ending = !plan_.keep_alive;
  if (plan_.keep_alive) next(connection);
}

/// Counts the error; a new connection goes on.
void Generator::fail(Connection& connection, const std::string& what) {
  tally_.error(what);
  if (connection.busy) --under_way_;
  // At a fixed rate an idle connection is in the queue already, and stays there.
  const bool queued = !in_step() && !connection.busy && !connection.ending;
  connection.busy = false;
  if (!queued) return reopen(connection);
  connection.wire.close();
  open(connection);
}

Plan read_plan(Options& options) {
  Plan plan;
  plan.port = static_cast<uint16_t>(options.number("--port", 0));
  plan.connections = static_cast<size_t>(options.number("--connections", 64));
  plan.seconds = options.number("--seconds", plan.seconds);
  plan.warm_up = options.number("--warm-up", plan.warm_up);
  plan.rate = options.number("--rate", 0);
  plan.body = static_cast<size_t>(options.number("--body", 256));
  plan.post = static_cast<long>(options.number("--post", -1));
  plan.users = static_cast<size_t>(options.number("--users", 1000));
  plan.keep_alive = !options.flag("--no-keep-alive");
  plan.refusals = options.flag("--refusals");
  plan.tls = options.flag("--tls");
  plan.resume = options.flag("--resume");
  plan.every = options.number("--every", plan.every);
  plan.headers = options.all("--header");
  plan.host = options.text("--host", plan.host);
  plan.change = options.text("--change", "");
  if (plan.port == 0) options.wrong("--port is missing");
  if (plan.connections == 0 || plan.users == 0 || plan.seconds <= 0) options.wrong("nothing to do");
  if (plan.every <= 0) options.wrong("--every is more than nothing");
  if (plan.resume && (!plan.tls || plan.keep_alive)) options.wrong("--resume wants --tls and --no-keep-alive");
  return plan;
}

}  // namespace
}  // namespace weir::load

int main(int argc, char** argv) {
  using namespace weir::load;
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_TIMERSLACK, 1);
  Options options(argc, argv, kUsage);
  const Plan plan = read_plan(options);
  std::vector<pid_t> processes;
  for (const std::string& process : options.all("--process")) processes.push_back(atoi(process.c_str()));
  options.finish();
  Tally tally{ProcessorTime(processes)};
  std::optional<Changes> changes;
  if (!plan.change.empty()) changes.emplace(plan.change, Nanos(static_cast<int64_t>(plan.every * 1e6)));
  Generator(plan, tally, changes ? &*changes : nullptr).run();
  tally.print(changes ? changes->told() : "");
  return tally.errors() == 0 ? 0 : 1;
}
