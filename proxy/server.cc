#include "proxy/server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

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
#include "proxy/descriptors.h"
#include "proxy/handover.h"
#include "proxy/log/own_log.h"
#include "proxy/losses.h"
#include "proxy/metrics/prometheus.h"
#include "proxy/overview.h"
#include "proxy/series_names.h"
#include "proxy/standing.h"
#include "proxy/unit/estate.h"
#include "proxy/unit/notice.h"
#include "proxy/unit/passed_sockets.h"
#include "proxy/unit/succession.h"
#include "proxy/unit/watchdog.h"

namespace weir::proxy {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds kLookAgain{20};  // whether draining is done
constexpr std::chrono::seconds kStatusTold{1};       // how far draining is
constexpr std::chrono::seconds kIdleStay{5};         // of idle connections, after another process has taken over

size_t worker_count(const config::Config& config) {
  return config.workers > 0 ? config.workers : std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

class Server::Body {
 public:
  Body(std::string path, const config::Config& config, std::unique_ptr<control::Store> store,
       unit::PassedSockets passed, std::vector<std::string> command, const std::optional<unit::Estate>& estate)
      : registry_(worker_count(config), series_names()),
        crew_(worker_count(config), registry_, access_log_),
        store_(std::move(store)),
        passed_(std::move(passed)),
        publisher_({io_, registry_, access_log_, *store_, feed_, passed_,
                    estate ? std::optional(estate->listeners) : std::nullopt},
                   path, worker_count(config),
                   [this](auto publication, auto fresh, auto adopted) {
                     deliver(std::move(publication), std::move(fresh), std::move(adopted));
                   }),
        traffic_(io_, registry_),
        rollouts_({io_, publisher_, *store_, feed_, registry_, [this] { crew_.wake_sessions(); }}),
        feedbacks_(io_, publisher_, rollouts_),
        audiences_(io_, publisher_),
        desk_({io_, publisher_, *store_, feed_, traffic_, rollouts_, feedbacks_,
               [this](auto done) { reload(std::move(done)); }, [this] { stop(); },
               [this] { return draining_ || yields_; }, [this] { return retired_ || yields_; },
               [this](auto done) { handover_.begin(std::move(done)); }, [this] { crew_.wake_sessions(); }}),
        watchdog_(io_, worker_count(config), [this](auto answered) { crew_.ask_each(std::move(answered)); }),
        handover_({io_, publisher_, *store_, rollouts_, passed_, [this](auto done) { reload(std::move(done)); },
                   [this] { return admin_ ? admin_->descriptor() : -1; },
                   [this] { return draining_     ? "it is draining"
                                   : is_the_one_ ? ""
                                                 : "it does not serve yet"; },
                   [this](bool yields) { yield(yields); }, [this] { retire(); }, std::move(command)}),
        path_(std::move(path)) {
    if (estate) left_.emplace(*estate);
    if (estate) predecessor_.emplace(io_, ::fcntl(estate->wire, F_DUPFD_CLOEXEC, 0));
  }

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
  void become_the_one();
  void tell_serving();
  void load_what_changed();
  void yield(bool yields);
  config::Problems begin_state(std::vector<std::string> rollouts);
  void take_state_over();
  void retire();
  void end_after(std::chrono::milliseconds grace, std::chrono::milliseconds all);
  void listeners_closed();
  bool drained() const;
  void reload(control::Publisher::Reloaded done);
  void tell_standing();
  std::string draining_text() const;
  void wait_for_signals();
  void wait_until_drained();
  void finish();
  bool ready() const { return ready_ && !draining_; }
  std::string metrics_page();

  asio::io_context io_;
  asio::signal_set signals_{io_};
  asio::steady_timer drain_timer_{io_};
  log::AccessLog access_log_;
  metrics::Registry registry_;
  Losses losses_{io_, access_log_, registry_};
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
  Handover handover_;
  std::string path_;
  std::optional<unit::Estate> left_;  // by the weir before
  std::optional<unit::Predecessor> predecessor_;
  std::vector<Crew::FreshListener> held_;  // the workers get them when this process is the one
  std::unique_ptr<control::Watcher> watcher_;
  std::unique_ptr<admin::Server> admin_;
  std::chrono::steady_clock::time_point close_at_, drain_until_, status_told_;
  bool ready_ = false;
  bool is_the_one_ = false;  // that accepts connections, and keeps the state
  bool draining_ = false;
  bool listens_ = true;       // or somebody may wait to be accepted
  bool closing_ = false;      // idle connections end
  bool changed_ = false;      // the file, before this process was the one
  bool yields_ = false;       // another process has the state, and may fail yet
  bool retired_ = false;      // another process is the one
  bool told_to_end_ = false;  // by a signal
};

config::Problems Server::Body::begin(config::Loaded loaded) {
  raise_descriptor_limit(loaded.config);
  const auto admin = loaded.config.admin;
  if (admin) {
    admin::Options options{.admin = *admin, .descriptor = left_ ? left_->admin : -1};
    if (admin->tls) options.tls = [this] { return publisher_.admin_tls(); };
    auto opened = admin::Server::open(io_, std::move(options),
                                      {.ready = [this] { return ready(); },
                                       .metrics_text = [this] { return metrics_page(); },
                                       .services = [this] { return overview(*publisher_.current(), registry_); },
                                       .control = &desk_,
                                       .begun = [this] { return publisher_.current() != nullptr; }});
    if (!opened) return opened.problems();
    admin_ = std::move(*opened);
  }
  const auto begun = publisher_.begin(std::move(loaded));
  if (!begun) return begun.problems();
  if (predecessor_) return {};  // the state is its until it has gone
  return begin_state({});
}

void Server::Body::deliver(std::shared_ptr<const Publication> publication, std::vector<control::NewListener> fresh,
                           std::function<void(size_t)> adopted) {
  health_watch_.adopt(publication);
  std::vector<Crew::FreshListener> listeners;
  for (auto& listener : fresh) {
    listeners.push_back({listener.site, std::move(listener.sockets.descriptors), listener.sockets.shared});
  }
  if (predecessor_ && !is_the_one_) {
    std::ranges::move(std::exchange(listeners, {}), std::back_inserter(held_));
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
  if (!predecessor_) return become_the_one();
  predecessor_->tell_ready([this] {
    take_state_over();
    crew_.publish(publisher_.current(), std::exchange(held_, {}), [](size_t) {});
    become_the_one();
  });
}

/// No other process writes the state, or will accept connections for long.
void Server::Body::become_the_one() {
  is_the_one_ = true;
  if (admin_) admin_->accept();
  if (!predecessor_) return tell_serving();
  predecessor_->tell_serving([this] {
    changed_ = true;  // perhaps, since this process has read the file
    tell_serving();
  });
}

/// The supervisor knows this process.
void Server::Body::tell_serving() {
  store_->own_lock();
  unit::tell_ready(standing(*publisher_.current(), publisher_.trouble()));
  watchdog_.begin();
  if (std::exchange(changed_, false)) load_what_changed();
}

/// Now, or as soon as this process is the one.
void Server::Body::load_what_changed() {
  if (draining_) return;
  if (is_the_one_ && !yields_) return publisher_.reload(true);
  changed_ = true;
}

/// Another process has the state for now, or has failed to take it over.
void Server::Body::yield(bool yields) {
  yields_ = yields;
  if (!yields && std::exchange(changed_, false)) load_what_changed();
}

/// What is kept beside splits; no other process writes it from here on.
config::Problems Server::Body::begin_state(std::vector<std::string> rollouts) {
  const auto& state = publisher_.current()->config().state;
  feedbacks_.begin(state);
  audiences_.begin(state);
  return rollouts_.begin(state, std::move(rollouts));
}

/// Rollouts go on where the weir before has left them.
void Server::Body::take_state_over() {
  const auto problems =
      begin_state(left_->rollouts < 0 ? std::vector<std::string>() : unit::read_memory(left_->rollouts));
  for (const config::Problem& problem : problems) spdlog::error("{}", problem.text());
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
  for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGUSR1, SIGUSR2}) signals_.add(signal);
  wait_for_signals();
  watcher_ = std::make_unique<control::Watcher>(io_, path_, [this] { load_what_changed(); });
  publisher_.on_files([this](const std::vector<std::string>& files) { watcher_->watch_too(files); });
  publisher_.on_due([this] { load_what_changed(); });
  losses_.watch();
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
      } else if (yields_ || !is_the_one_) {
        load_what_changed();
      } else {
        reload({});
      }
    } else if (signal == SIGUSR2) {
      handover_.begin([](const control::Upgrade& upgrade) {
        if (!upgrade.wrong.empty()) spdlog::error("USR2: not upgraded, this process serves on: {}", upgrade.wrong);
      });
    } else if (signal == SIGUSR1) {
      if (!access_log_.reopen())
        spdlog::error("USR1: the access log cannot be opened again: the old file stays in use");
    } else if (std::exchange(told_to_end_, true)) {
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
  crew_.drain();
  end_after(timeouts.drain_grace, timeouts.drain_grace + timeouts.drain);
  unit::tell_stopping(draining_text());
}

/// Another process has taken over; this one finishes what is under way. Idle connections stay for a while: who sends a
/// request on one is told then that it ends.
void Server::Body::retire() {
  retired_ = draining_ = true;
  watchdog_.stop();
  audiences_.stop();
  if (admin_) admin_->retire();
  crew_.retire([this] { asio::post(io_, [this] { listens_ = false; }); });
  const std::chrono::milliseconds drain = publisher_.current()->config().timeouts.drain;
  end_after(std::min<std::chrono::milliseconds>(kIdleStay, drain / 2), drain);
}

void Server::Body::end_after(std::chrono::milliseconds grace, std::chrono::milliseconds all) {
  status_told_ = std::chrono::steady_clock::now();
  close_at_ = status_told_ + grace;
  drain_until_ = status_told_ + all;
  spdlog::info(draining_text());
  wait_until_drained();
}

std::string Server::Body::draining_text() const {
  const auto left = std::chrono::ceil<std::chrono::seconds>(drain_until_ - std::chrono::steady_clock::now());
  return fmt::format("draining: {} connections, at most {} s", crew_.connections(), left.count());
}

void Server::Body::wait_until_drained() {
  const auto now = std::chrono::steady_clock::now();
  if (now >= close_at_ && !std::exchange(closing_, true)) {
    crew_.close_listeners([this] { asio::post(io_, [this] { listens_ = false; }); });
  }
  if (now - status_told_ >= kStatusTold) {
    status_told_ = now;
    if (!retired_) unit::tell_status(draining_text());
  }
  const bool over = now >= drain_until_;
  if (!over && !drained()) {
    drain_timer_.expires_after(kLookAgain);
    return drain_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) wait_until_drained();
    });
  }
  if (crew_.connections() > 0) spdlog::warn("drain time is over: {} connections are cut", crew_.connections());
  finish();
}

/// Who supervises this process ends with it all that it has started (KillMode=mixed): the weir before, which may still
/// finish something, is waited for.
bool Server::Body::drained() const {
  if (predecessor_ && !predecessor_->gone()) return false;
  return !listens_ && crew_.connections() == 0 && !(retired_ && admin_ && admin_->busy());
}

void Server::Body::finish() {
  drain_timer_.cancel();
  predecessor_.reset();
  handover_.stop();
  losses_.stop();
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

config::Result<std::unique_ptr<Server>> Server::create(const std::string& config_path,
                                                       std::vector<std::string> command) {
  const auto estate = unit::take_estate();
  log::tell_on_stderr();
  auto opened = open(config_path, std::move(command), estate);
  if (!opened && estate) unit::Predecessor::tell_failure(estate->wire, opened.problems().front().text());
  if (estate) ::close(estate->wire);
  return opened;
}

config::Result<std::unique_ptr<Server>> Server::open(const std::string& config_path, std::vector<std::string> command,
                                                     const std::optional<unit::Estate>& estate) {
  auto passed = estate ? unit::PassedSockets(estate->passed) : unit::PassedSockets::take();
  auto loaded = config::load(config_path);
  if (!loaded) return loaded.problems();
  control::Left left;
  if (estate) left.lock = estate->state_lock;
  if (estate && estate->splits >= 0) left.records = unit::read_memory(estate->splits);
  auto store = control::Store::open(loaded->config.state, left);
  if (!store) return store.problems();
  auto body = std::make_unique<Body>(config_path, loaded->config, std::move(*store), std::move(passed),
                                     std::move(command), estate);
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
