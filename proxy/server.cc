#include "proxy/server.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>

#include "proxy/admin/server.h"
#include "proxy/control/audiences.h"
#include "proxy/control/desk.h"
#include "proxy/control/health_watch.h"
#include "proxy/control/watcher.h"
#include "proxy/crew.h"
#include "proxy/exchange/record.h"
#include "proxy/http/fault.h"
#include "proxy/metrics/prometheus.h"
#include "proxy/metrics/summary.h"
#include "proxy/standing.h"
#include "proxy/unit/notice.h"
#include "proxy/unit/passed_sockets.h"
#include "proxy/unit/watchdog.h"

namespace weir::proxy {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds kLookAgain{20};  // whether draining is done
constexpr std::chrono::seconds kStatusTold{1};       // how far draining is
constexpr std::chrono::seconds kLookForLosses{1};
constexpr std::chrono::seconds kLossesTold{10};  // at most so often
constexpr uint64_t kOwnDescriptors = 64;         // listeners, logs, admin

size_t worker_count(const config::Config& config) {
  return config.workers > 0 ? config.workers : std::max(1u, std::thread::hardware_concurrency());
}

metrics::Names names() {
  metrics::Names names;
  for (size_t i = 0; i < routing::kDecidedByCount; ++i) {
    names.decided_by.emplace_back(routing::decided_by_text(static_cast<routing::DecidedBy>(i)));
  }
  for (size_t i = 0; i < http::kFaults; ++i) {
    // Only what a try at an endpoint can fail with is counted under a version.
    const auto& fault = http::info(static_cast<http::Fault>(i));
    const bool counted = fault.whose == http::Whose::endpoint || fault.whose == http::Whose::weir;
    names.errors.emplace_back(counted ? fault.token : "");
  }
  names.connect_results = {"ok", "refused", "timeout", "error", "tls"};
  names.retry_results = {"ok", "failed", "exhausted"};
  names.reject_reasons.assign(kRejectReasons.begin(), kRejectReasons.end());
  names.handshake_results.assign(kHandshakeResults.begin(), kHandshakeResults.end());
  for (const unsigned code : kRejectedCodes) names.rejected_codes.push_back(code == 0 ? "none" : std::to_string(code));
  return names;
}

/// The soft limit becomes the hard one; what does not fit is told, and weir starts.
void raise_descriptor_limit(const config::Config& config) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const uint64_t needed = 2 * config.limits.connections + kOwnDescriptors;  // one to the client, one to an endpoint
  if (config.limits.connections > 0 && limit.rlim_cur != RLIM_INFINITY && needed > limit.rlim_cur) {
    spdlog::warn(
        "limits.connections: {} may need {} descriptors, this process may have {}: it can carry about {}; raise "
        "LimitNOFILE",
        config.limits.connections, needed, limit.rlim_cur, (limit.rlim_cur - kOwnDescriptors) / 2);
  }
}

void log_to_stderr() {
  static const auto logger = [] {
    auto made = spdlog::stderr_color_mt("weir");
    made->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
    return made;
  }();
  spdlog::set_default_logger(logger);
}

void add_version(admin::View& view, const VersionSite& version) {
  const upstream::VersionStanding standing = version.health->standing();
  for (const upstream::EndpointSite& site : version.endpoints) {
    const upstream::EndpointStanding one = standing.of(*site.endpoint);
    int64_t connections = 0;
    for (const metrics::Gauge& worker : site.endpoint->connections) connections += worker.value();
    view.endpoints.push_back({.service = site.endpoint->service,
                              .version = site.endpoint->version,
                              .address = site.endpoint->name,
                              .up = one.absence == upstream::Absence::none,
                              .why = std::string(upstream::absence_text(one.absence)),
                              .for_another = one.for_another,
                              .ejections = one.ejections,
                              .connections = connections});
  }
  const metrics::VersionName& name = version.numbers->name();
  view.versions.push_back({name.service, name.version, standing.available, standing.panics, standing.back_in});
}

}  // namespace

class Server::Body {
 public:
  Body(std::string path, const config::Config& config, std::unique_ptr<control::Store> store,
       unit::PassedSockets passed)
      : registry_(worker_count(config), names()),
        crew_(worker_count(config), registry_, access_log_),
        store_(std::move(store)),
        passed_(std::move(passed)),
        publisher_({io_, registry_, access_log_, *store_, feed_, passed_}, path, worker_count(config),
                   [this](auto publication, auto fresh, auto adopted) {
                     deliver(std::move(publication), std::move(fresh), std::move(adopted));
                   }),
        traffic_(io_, registry_),
        rollouts_({io_, publisher_, *store_, feed_, registry_}),
        feedbacks_(io_, publisher_, rollouts_),
        audiences_(io_, publisher_),
        desk_({io_, publisher_, *store_, feed_, traffic_, rollouts_, feedbacks_,
               [this](auto done) { reload(std::move(done)); }, [this] { stop(); }, [this] { return draining_; },
               [this] { crew_.wake_sessions(); }}),
        watchdog_(io_, worker_count(config), [this](auto answered) { crew_.ask_each(std::move(answered)); }),
        path_(std::move(path)) {}

  config::Problems begin(config::Loaded loaded);
  int run();
  void stop();

  asio::io_context& io() { return io_; }
  metrics::Registry& registry() { return registry_; }
  const control::Publisher& publisher() const { return publisher_; }
  control::Operator& desk() { return desk_; }

 private:
  void deliver(std::shared_ptr<const Publication> publication, std::vector<control::NewListener> fresh,
               std::function<void(size_t)> adopted);
  void become_ready();
  void reload(control::Publisher::Reloaded done);
  void tell_standing();
  std::string draining_text() const;
  void wait_for_signals();
  void wait_until_drained();
  void watch_for_losses();
  bool tell_losses();
  uint64_t connections_without_descriptor();
  void finish();
  bool ready() const { return ready_ && !draining_; }
  std::string metrics_page();
  admin::View view();

  asio::io_context io_;
  asio::signal_set signals_{io_};
  asio::steady_timer drain_timer_{io_};
  asio::steady_timer loss_timer_{io_};
  log::AccessLog access_log_;
  metrics::Registry registry_;
  Crew crew_;
  control::Feed feed_;
  std::unique_ptr<control::Store> store_;
  const unit::PassedSockets passed_;
  control::HealthWatch health_watch_{io_, feed_};
  control::Publisher publisher_;
  control::Traffic traffic_;
  control::Rollouts rollouts_;
  control::Feedbacks feedbacks_;
  control::Audiences audiences_;
  control::Desk desk_;
  unit::Watchdog watchdog_;
  std::string path_;
  std::unique_ptr<control::Watcher> watcher_;
  std::unique_ptr<admin::Server> admin_;
  std::chrono::steady_clock::time_point drain_until_, status_told_;
  uint64_t log_lost_told_ = 0, descriptors_told_ = 0;
  bool ready_ = false;
  bool draining_ = false;
};

config::Problems Server::Body::begin(config::Loaded loaded) {
  raise_descriptor_limit(loaded.config);
  const auto admin = loaded.config.admin;
  if (admin) {
    admin::Options options{.admin = *admin};
    if (admin->tls) options.tls = [this] { return publisher_.admin_tls(); };
    auto opened = admin::Server::open(io_, std::move(options),
                                      {.ready = [this] { return ready(); },
                                       .metrics_text = [this] { return metrics_page(); },
                                       .services = [this] { return view(); },
                                       .control = &desk_});
    if (!opened) return opened.problems();
    admin_ = std::move(*opened);
  }
  const auto state = loaded.config.state;
  const auto begun = publisher_.begin(std::move(loaded));
  if (!begun) return begun.problems();
  feedbacks_.begin(state);
  audiences_.begin(state);
  return rollouts_.begin(state);
}

void Server::Body::deliver(std::shared_ptr<const Publication> publication, std::vector<control::NewListener> fresh,
                           std::function<void(size_t)> adopted) {
  health_watch_.adopt(publication);
  std::vector<Crew::FreshListener> listeners;
  for (auto& listener : fresh) {
    listeners.push_back({listener.site, std::move(listener.sockets.descriptors), listener.sockets.shared});
  }
  crew_.publish(std::move(publication), std::move(listeners), [this, adopted = std::move(adopted)](size_t worker) {
    asio::post(io_, [this, adopted, worker] {
      adopted(worker);
      if (!ready_ && publisher_.adopted_by_all()) become_ready();
    });
  });
  tell_standing();
}

void Server::Body::become_ready() {
  ready_ = true;
  unit::tell_ready(standing(*publisher_.current(), publisher_.trouble()));
  watchdog_.begin();
}

/// After a change, or a load of the configuration that failed.
void Server::Body::tell_standing() {
  if (ready()) unit::tell_status(standing(*publisher_.current(), publisher_.trouble()));
}

void Server::Body::reload(control::Publisher::Reloaded done) {
  unit::tell_reloading();
  publisher_.reload(false, [this, done = std::move(done)](const config::Problems& problems) {
    if (ready()) unit::tell_ready(standing(*publisher_.current(), publisher_.trouble()));
    if (done) done(problems);
  });
}

int Server::Body::run() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file at its limit is an error of that write
  for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGUSR1}) signals_.add(signal);
  wait_for_signals();
  watcher_ = std::make_unique<control::Watcher>(io_, path_, [this] {
    if (!draining_) publisher_.reload(true);
  });
  publisher_.on_files([this](const std::vector<std::string>& files) { watcher_->watch_too(files); });
  watch_for_losses();
  feed_.subscribe([this](const control::Event&) { tell_standing(); });
  traffic_.begin();
  health_watch_.begin();
  crew_.start();
  for (const std::string& address : publisher_.listener_addresses()) spdlog::info("listening on {}", address);
  const bool secure = publisher_.admin_tls() != nullptr;
  if (admin_) spdlog::info("admin on {}{}", admin_->address().text(), secure ? " (TLS)" : "");
  const auto work = asio::make_work_guard(io_);
  io_.run();
  crew_.stop();
  admin_.reset();
  spdlog::info("ended");
  return 0;
}

void Server::Body::wait_for_signals() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (signal == SIGHUP) {
      if (draining_) {
        spdlog::warn("HUP: not reloaded while draining");
      } else {
        reload({});
      }
    } else if (signal == SIGUSR1) {
      if (!access_log_.reopen())
        spdlog::error("USR1: the access log cannot be opened again: the old file stays in use");
    } else if (draining_) {
      spdlog::warn("a second {}: ending at once", signal == SIGTERM ? "TERM" : "INT");
      return finish();
    } else {
      stop();
    }
    wait_for_signals();
  });
}

void Server::Body::stop() {
  if (std::exchange(draining_, true)) return;
  const auto& timeouts = publisher_.current()->config().timeouts;
  status_told_ = std::chrono::steady_clock::now();
  drain_until_ = status_told_ + timeouts.drain_grace + timeouts.drain;
  spdlog::info(draining_text());
  unit::tell_stopping(draining_text());
  crew_.drain();
  drain_timer_.expires_after(timeouts.drain_grace);
  drain_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    crew_.close_listeners();
    wait_until_drained();
  });
}

std::string Server::Body::draining_text() const {
  const auto left = std::chrono::ceil<std::chrono::seconds>(drain_until_ - std::chrono::steady_clock::now());
  return fmt::format("draining: {} connections, at most {} s", crew_.connections(), left.count());
}

void Server::Body::wait_until_drained() {
  drain_timer_.expires_after(kLookAgain);
  drain_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - status_told_ >= kStatusTold) {
      status_told_ = now;
      unit::tell_status(draining_text());
    }
    const bool over = now >= drain_until_;
    if (crew_.connections() > 0 && !over) return wait_until_drained();
    if (crew_.connections() > 0) spdlog::warn("drain time is over: {} connections are cut", crew_.connections());
    finish();
  });
}

void Server::Body::finish() {
  watchdog_.stop();
  watcher_->stop();
  publisher_.stop();
  traffic_.stop();
  health_watch_.stop();
  feedbacks_.stop();
  audiences_.stop();
  rollouts_.stop();
  desk_.stop();
  io_.stop();
}

/// What is lost where the machine ends (lines of a full disk's log, connections without a descriptor) is told, but
/// not each time: a full disk or a flood would fill the log too.
void Server::Body::watch_for_losses() {
  loss_timer_.expires_after(tell_losses() ? kLossesTold : kLookForLosses);
  loss_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) watch_for_losses();
  });
}

bool Server::Body::tell_losses() {
  const uint64_t lines = access_log_.lost() - log_lost_told_;
  const uint64_t waited = connections_without_descriptor() - descriptors_told_;
  if (lines > 0) spdlog::error("the access log could not take {} lines: is its disk full?", lines);
  if (waited > 0)
    spdlog::error("no descriptor was left for a new connection {} times: raise LimitNOFILE or lower limits.connections",
                  waited);
  log_lost_told_ += lines;
  descriptors_told_ += waited;
  return lines + waited > 0;
}

uint64_t Server::Body::connections_without_descriptor() {
  uint64_t count = 0;
  for (const auto& listener : registry_.listeners())
    for (const auto& shard : listener->shards())
      count += shard.connections_rejected[static_cast<size_t>(RejectReason::descriptors)].value();
  return count;
}

std::string Server::Body::metrics_page() {
  metrics::Facts facts;
  facts.version = WEIR_VERSION;
  facts.compiler = "g++ " __VERSION__;
  facts.draining = draining_;
  facts.access_log_lost = access_log_.lost();
  facts.process = metrics::read_process_usage();
  publisher_.fill(facts);
  rollouts_.fill(facts);
  feedbacks_.fill(facts);
  return metrics::prometheus_page(registry_, facts);
}

admin::View Server::Body::view() {
  admin::View view{publisher_.current()->snapshot, metrics::summarize(registry_), {}};
  for (const ServiceSite& service : publisher_.current()->services) {
    for (const VersionSite& version : service.versions) {
      add_version(view, version);
    }
  }
  return view;
}

config::Result<std::unique_ptr<Server>> Server::create(const std::string& config_path) {
  log_to_stderr();
  auto passed = unit::PassedSockets::take();
  auto loaded = config::load(config_path);
  if (!loaded) return loaded.problems();
  auto store = control::Store::open(loaded->config.state);
  if (!store) return store.problems();
  auto body = std::make_unique<Body>(config_path, loaded->config, std::move(*store), std::move(passed));
  if (auto problems = body->begin(std::move(*loaded)); !problems.empty()) return problems;
  return std::unique_ptr<Server>(new Server(std::move(body)));
}

Server::Server(std::unique_ptr<Body> body) : body_(std::move(body)) {}
Server::~Server() = default;

asio::io_context& Server::control() { return body_->io(); }
control::Operator& Server::operate() { return body_->desk(); }
metrics::Registry& Server::registry() { return body_->registry(); }
std::shared_ptr<const routing::Snapshot> Server::snapshot() const { return body_->publisher().current()->snapshot; }
std::vector<std::string> Server::listener_addresses() const { return body_->publisher().listener_addresses(); }
void Server::stop() { body_->stop(); }
int Server::run() { return body_->run(); }

}  // namespace weir::proxy
