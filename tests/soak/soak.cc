// Mixed traffic against a running weir while splits change, endpoints die and come back, and files are reloaded.
//
//   soak [--minutes N | --seconds N] [--weir PROGRAM] [--visitors N]
//
// At the end: every request was answered or cleanly refused, /metrics say what the clients counted, and neither
// memory nor descriptors nor pooled connections have grown. Ends with 1 when something is off. With WEIR_E2E_TLS=1
// clients speak TLS, and so do the endpoints of the new version.
#include <fmt/format.h>
#include <signal.h>

#include <future>
#include <iostream>
#include <memory>

#include "tests/soak/tally.h"
#include "tests/soak/visitor.h"
#include "tests/support/authority.h"
#include "tests/support/options.h"
#include "tests/support/places.h"
#include "tests/support/proxy.h"

namespace weir::soak {
namespace {

using namespace weir::testing;

struct Options {
  unsigned minutes = 0;  // else `seconds`
  unsigned seconds = 60;
  unsigned visitors = 12;
  std::string program = weir_program();
};

struct Sample {
  double second = 0;
  size_t resident = 0, descriptors = 0;
  double connections = 0, pooled = 0, requests = 0;
};

void say(const std::string& text) { std::cout << text << "\n" << std::flush; }

class Soak {
 public:
  explicit Soak(const Options& options) : options_(options) {
    for (int i = 0; i < 4; ++i) {
      const bool secure = everything_over_tls() && i >= 2;
      const TlsOptions tls{.chain = files_.chain, .key = files_.key};
      origins_.push_back(std::make_unique<Origin>(answer, "127.0.0.1:0", secure ? std::optional(tls) : std::nullopt));
      origins_.back()->forget();
    }
    ConfigText config{.workers = 2, .share = "50%", .timeouts = {{"upstream_idle", "500ms"}, {"drain", "5s"}}};
    config.old_endpoints = {origins_[0]->address(), origins_[1]->address()};
    config.new_endpoints = {origins_[2]->address(), origins_[3]->address()};
    if (everything_over_tls()) config.new_version = {"tls: { ca: " + authority_.ca() + " }"};
    config.service = {"match: [{ host: shop.example }]"};
    config.services = {fmt::format(
        "{{ name: rough, match: [{{ host: rough.example }}], versions: {{ only: {{ endpoints: [\"{}\"] }} }} }}",
        origins_[1]->address())};
    config.top = {"access_log: { path: /dev/null }"};
    ProgramOptions program;
    program.environment = {{"ASAN_OPTIONS", "detect_stack_use_after_return=1:quarantine_size_mb=8"},
                           {"UBSAN_OPTIONS", "print_stacktrace=1"}};
    weir_ = std::make_unique<Weir>(options.program, config, program);
  }

  int run() {
    std::vector<std::future<Tally>> visits;
    for (unsigned i = 0; i < options_.visitors; ++i)
      visits.push_back(std::async(std::launch::async, [this, i] { return Visitor(weir_->edge(), i).visit(over_); }));
    const auto unrest = {std::async(std::launch::async, [this] { change_splits(); }),
                         std::async(std::launch::async, [this] { reload(); }),
                         std::async(std::launch::async, [this] { kill_endpoints(); })};
    watch();
    over_ = true;
    for (auto& visit : visits) tally_.add(visit.get());
    for (auto& one : unrest) one.wait();
    judge();
    return off_ ? 1 : 0;
  }

 private:
  bool wait_for_end(Duration duration) {
    return wait_until([this] { return over_.load(); }, duration);
  }

  void change_splits() {
    for (unsigned turn = 0; !wait_for_end(Duration(150)); ++turn) {
      const std::string body = fmt::format(R"({{"shares":{{"new":"{}%"}}}})", turn * 7 % 101);
      const std::string request = fmt::format(
          "PUT /api/v1/services/shop/split HTTP/1.1\r\nHost: localhost\r\nIf-Match: *\r\nContent-Type: "
          "application/json\r\n"
          "Connection: close\r\nContent-Length: {}\r\n\r\n{}",
          body.size(), body);
      if (fetch(weir_->admin(), request, "PUT").status != 200) complain("a split was not changed");
      ++splits_;
    }
  }

  void reload() {
    for (unsigned turn = 0; !wait_for_end(Duration(700)); ++turn) {
      ConfigText config = weir_->config();
      config.timeouts["client_idle"] = turn % 2 == 0 ? "60s" : "61s";
      write_file(weir_->file(), config.text());
      const Response response =
          fetch(weir_->admin(),
                "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "POST");
      if (response.status != 200) complain(fmt::format("a reload got {}: {}", response.status, response.body));
      ++reloads_;
    }
  }

  /// One endpoint at a time, so that every version always has one that lives.
  void kill_endpoints() {
    for (unsigned turn = 0; !wait_for_end(Duration(600)); ++turn) {
      Origin& origin = *origins_[turn % origins_.size()];
      origin.stop();
      wait_for_end(Duration(250));
      origin.start();
      ++deaths_;
    }
  }

  Sample sample(double second) {
    const Metrics metrics = weir_->metrics();
    return {.second = second,
            .resident = weir_->program().resident_bytes(),
            .descriptors = weir_->program().open_descriptors(),
            .connections = metrics.sum("weir_connections"),
            .pooled = metrics.sum("weir_upstream_connections"),
            .requests = metrics.sum("weir_requests_total")};
  }

  void watch() {
    constexpr unsigned kRows = 20;
    const Deadline begin = Clock::now(), end = within(std::chrono::seconds(options_.seconds));
    const auto step = std::chrono::duration_cast<Duration>(std::chrono::seconds(options_.seconds)) / kRows;
    say("   second  memory MiB  descriptors  connections  pooled  requests");
    while (Clock::now() < end && weir_->program().running()) {
      wait_until([this] { return !weir_->program().running(); }, step);
      if (!weir_->program().running()) break;
      curve_.push_back(sample(std::chrono::duration<double>(Clock::now() - begin).count()));
      print(curve_.back());
    }
  }

  static void print(const Sample& one) {
    say(fmt::format("{:9.1f} {:11.1f} {:12} {:12} {:7} {:9}", one.second, static_cast<double>(one.resident) / (1 << 20),
                    one.descriptors, one.connections, one.pooled, one.requests));
  }

  void complain(const std::string& what) {
    say("OFF: " + what);
    off_ = true;
  }

  void expect(bool holds, const std::string& what) {
    if (!holds) complain(what);
  }

  void judge() {
    say(fmt::format("{} splits changed, {} reloads, {} endpoints killed and back", splits_.load(), reloads_.load(),
                    deaths_.load()));
    say(tally_.text());
    for (const std::string& finding : tally_.findings) complain(finding);
    expect(tally_.adds_up(), "not every request was answered or cleanly refused");
    expect(tally_.answered > 0, "nothing was answered");
    expect(weir_->program().running(), "weir ended:\n" + weir_->log());
    if (!weir_->program().running()) return;
    judge_metrics();
    judge_leaks();
    judge_end();
  }

  void judge_metrics() {
    auto idle = [this] {
      const Metrics metrics = weir_->metrics();
      return metrics.sum("weir_connections") == 0 && metrics.sum("weir_requests_in_flight") == 0 &&
             metrics.sum("weir_upstream_connections") == 0;
    };
    expect(wait_until(idle, Duration(20'000)), "connections or requests are left though every client is gone");
    const Metrics metrics = weir_->metrics();
    for (size_t one = 1; one < tally_.classes.size(); ++one) {
      const double counted =
          metrics.sum("weir_requests_total", {{"service", "shop"}, {"code_class", fmt::format("{}xx", one)}});
      expect(counted == static_cast<double>(tally_.classes[one]),
             fmt::format("weir counted {} answers {}xx, the clients {}", counted, one, tally_.classes[one]));
    }
    const double none = metrics.sum("weir_requests_total", {{"service", "shop"}, {"code_class", "none"}});
    expect(none == 0, fmt::format("weir counted {} requests without an answer", none));
    const double rough = metrics.sum("weir_requests_total", {{"service", "rough"}});
    expect(rough <= static_cast<double>(tally_.left),
           fmt::format("weir counted {} of {} clients that left", rough, tally_.left));
    const double malformed = metrics.sum("weir_rejected_requests_total", {{"code", "400"}});
    expect(malformed == static_cast<double>(tally_.malformed_sent),
           fmt::format("weir refused {} of {} malformed requests", malformed, tally_.malformed_sent));
  }

  void judge_leaks() {
    if (curve_.size() < 4) return complain("too short to tell a leak");
    const Sample& early = curve_[curve_.size() / 4];
    const Sample last = sample(options_.seconds);
    print(last);
    constexpr size_t kMemory = size_t{24} << 20, kDescriptors = 64;
    expect(last.resident < early.resident + kMemory,
           fmt::format("memory grew from {} to {} bytes", early.resident, last.resident));
    // Idle, it holds listeners, admin, epoll, logs, and a few pipes.
    expect(last.descriptors < kDescriptors,
           fmt::format("{} descriptors are open though nobody is there", last.descriptors));
  }

  void judge_end() {
    weir_->program().signal(SIGTERM);
    const auto end = weir_->program().wait(Duration(30'000));
    expect(end && end->code == 0, "weir did not end with 0:\n" + weir_->log());
    const std::string report = sanitizer_report(weir_->log());
    expect(report.empty(), "a sanitizer says:\n" + report);
  }

  const Options options_;
  const Directory directory_;
  Authority authority_{directory_.path()};
  const CertificateFiles files_ = authority_.issue("origin", {.names = {"127.0.0.1"}});
  std::vector<std::unique_ptr<Origin>> origins_;
  std::unique_ptr<Weir> weir_;
  std::atomic<bool> over_{false}, off_{false};
  std::atomic<unsigned> splits_{0}, reloads_{0}, deaths_{0};
  Tally tally_;
  std::vector<Sample> curve_;
};

int wrong_usage(const std::string& what) {
  std::cerr << "soak: " << what << "\nusage: soak [--minutes N | --seconds N] [--weir PROGRAM] [--visitors N]\n";
  return 2;
}

}  // namespace
}  // namespace weir::soak

int main(int count, char** words) {
  using namespace weir::soak;
  Options options;
  const auto wrong = weir::testing::read_options(count, words,
                                                 {{"minutes", &options.minutes},
                                                  {"seconds", &options.seconds},
                                                  {"visitors", &options.visitors},
                                                  {"weir", &options.program}});
  if (wrong) return wrong_usage(*wrong);
  if (options.minutes > 0) options.seconds = options.minutes * 60;
  if (options.seconds == 0 || options.visitors == 0) return wrong_usage("there has to be time, and somebody to visit");
  signal(SIGPIPE, SIG_IGN);
  const int code = Soak(options).run();
  say(code == 0 ? "soak: all in order" : "soak: something is off");
  return code;
}
