#include "proxy/unit/succession.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

namespace weir::unit {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kPatience{10};  // from its start until it serves
constexpr std::string_view kReady = "ready", kGo = "go", kServing = "serving", kTold = "told", kFailed = "failed ";

/// Our environment, without what systemd meant for this process alone.
std::vector<std::string> environment_with(const std::string& added) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (text.starts_with("LISTEN_") || text.starts_with("WATCHDOG_PID=")) continue;
    all.emplace_back(text);
  }
  all.push_back(added);
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

/// What a start has come to, as the processes that are forked for it report it.
struct Started {
  pid_t id = -1;
  int error = 0;
};

void report(int pipe, const Started& started) {
  [[maybe_unused]] const auto written = ::write(pipe, &started, sizeof started);
}

/// Between fork and exec only calls that are safe after a fork of a program with threads. What is not left to the new
/// process on purpose it does not get, whoever opened it here.
[[noreturn]] void become(char** command, char** environment, const std::vector<int>& kept, int pipe) {
  ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  for (const int fd : kept) ::fcntl(fd, F_SETFD, 0);
  ::execve(command[0], command, environment);
  report(pipe, {.error = errno});
  ::_exit(127);
}

/// Until all who could report have ended, or become the program.
Started reported(int pipe) {
  Started all;
  for (Started one; ::read(pipe, &one, sizeof one) == sizeof one;) {
    if (one.id > 0) all.id = one.id;
    if (one.error != 0) all.error = one.error;
  }
  return all;
}

/// Forks twice, so that the new process belongs to init, which a supervisor can watch.
Started start_detached(char** command, char** environment, const std::vector<int>& kept) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return {.error = errno};
  const pid_t between = ::fork();
  if (between == 0) {
    const pid_t id = ::fork();
    if (id == 0) become(command, environment, kept, pipe[1]);
    report(pipe[1], {.id = id, .error = id < 0 ? errno : 0});
    ::_exit(0);
  }
  Started started{.error = errno};
  ::close(pipe[1]);
  if (between > 0) {
    started = reported(pipe[0]);
    ::waitpid(between, nullptr, 0);
  }
  ::close(pipe[0]);
  return started;
}

}  // namespace

std::string own_program() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path running = fs::read_symlink("/proc/self/exe", error);
  const fs::path called =
      fs::absolute(program_invocation_name, error);  // with its links, which may lead elsewhere later
  return (fs::equivalent(called, running, error) ? called : running).string();
}

Successor::~Successor() {
  if (id_ > 0 && !confirmed_) ::kill(id_, SIGKILL);
}

std::string Successor::spawn(const std::vector<std::string>& command, const Estate& estate) {
  std::vector<std::string> words = command, settings = environment_with(environment_of(estate));
  const auto argv = pointers(words), envp = pointers(settings);
  const Started started =
      start_detached(const_cast<char**>(argv.data()), const_cast<char**>(envp.data()), estate.descriptors());
  if (started.error != 0) return "cannot start " + command.front() + ": " + std::strerror(started.error);
  id_ = started.id;
  return "";
}

void Successor::start(const std::vector<std::string>& command, Estate estate, Done done) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    return done(std::string("socketpair: ") + std::strerror(errno));
  }
  estate.wire = pair[1];
  const std::string wrong = spawn(command, estate);
  ::close(pair[1]);
  wire_.assign(pair[0]);
  if (!wrong.empty()) return done(wrong);
  done_ = std::move(done);
  timer_.expires_after(kPatience);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) finish("it did not serve within " + std::to_string(kPatience.count()) + " s");
  });
  listen_for(kReady);
}

void Successor::listen_for(std::string_view word) {
  wire_.async_read_some(asio::buffer(message_), [this, word](const boost::system::error_code& error, size_t size) {
    if (error == asio::error::operation_aborted) return;
    const std::string_view message(message_.data(), size);
    if (!error && message == word) return finish("");
    if (!error && message.starts_with(kFailed)) return finish(std::string(message.substr(kFailed.size())));
    finish("it ended before it served; its log says why");
  });
}

/// `done` may end this object.
void Successor::finish(const std::string& wrong) {
  if (!done_) return;
  const Done done = std::exchange(done_, {});
  done(wrong);
}

void Successor::say(std::string_view word) {
  [[maybe_unused]] const auto sent = ::send(wire_.native_handle(), word.data(), word.size(), MSG_NOSIGNAL);
}

void Successor::go(Done done) {
  done_ = std::move(done);
  say(kGo);
  listen_for(kServing);
}

void Successor::confirm() {
  timer_.cancel();
  say(kTold);
  confirmed_ = true;
}

void Predecessor::tell_ready(std::function<void()> go) { tell(kReady, std::move(go)); }

void Predecessor::tell_serving(std::function<void()> told) {
  tell(kServing, [this, told = std::move(told)] {
    if (!gone_) await_end();
    told();
  });
}

void Predecessor::tell(std::string_view word, std::function<void()> answered) {
  [[maybe_unused]] const auto sent = ::send(wire_.native_handle(), word.data(), word.size(), MSG_NOSIGNAL);
  wire_.async_read_some(asio::buffer(message_),
                        [this, answered = std::move(answered)](const boost::system::error_code& error, size_t) {
                          if (error == asio::error::operation_aborted) return;
                          if (error) gone_ = true;
                          answered();
                        });
}

void Predecessor::await_end() {
  wire_.async_read_some(asio::buffer(message_), [this](const boost::system::error_code& error, size_t) {
    if (error != asio::error::operation_aborted) gone_ = true;
  });
}

void Predecessor::tell_failure(int wire, const std::string& why) {
  const std::string message = std::string(kFailed) + why.substr(0, 900);
  [[maybe_unused]] const auto sent = ::send(wire, message.data(), message.size(), MSG_NOSIGNAL);
}

}  // namespace weir::unit
