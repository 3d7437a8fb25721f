#include "proxy/control/publisher.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "proxy/control/change_json.h"
#include "proxy/net/clock.h"

namespace weir::control {

namespace {

constexpr std::chrono::seconds kResolvePatience{2};

void warn(const config::Warnings& warnings) {
  for (const config::Problem& warning : warnings) spdlog::warn("{}", warning.text());
}

const config::Service* find_service(const config::Config& config, const std::string& name) {
  const auto found = std::ranges::find(config.services, name, &config::Service::name);
  return found == config.services.end() ? nullptr : &*found;
}

std::string salt_of(const config::Service& service) {
  return service.cohort.salt.empty() ? service.name : service.cohort.salt;
}

std::set<std::string> names_in(const config::Config& config) {
  std::set<std::string> names;
  for (const config::Service& service : config.services) {
    for (const config::Version& version : service.versions) {
      for (const config::Endpoint& endpoint : version.endpoints) {
        if (Resolver::is_name(endpoint.address)) names.insert(endpoint.address.host);
      }
    }
  }
  return names;
}

}  // namespace

void tell_change(const Change& change, Feed& feed) {
  spdlog::info("{}: {} -> {}{} by {} ({}), revision {}{}", change.service, shares_text(change.before),
               shares_text(change.after), change.closed_after ? " (closed)" : "", change.author.name, change.author.by,
               change.revision, change.reason.empty() ? "" : ": " + change.reason);
  feed.tell({"change", boost::json::serialize(change_json(change))});
}

Publisher::Publisher(PublisherParts parts, std::string path, size_t workers, Deliver deliver)
    : io_(parts.io),
      path_(std::move(path)),
      workers_(workers),
      registry_(parts.registry),
      access_log_(parts.access_log),
      store_(parts.store),
      feed_(parts.feed),
      passed_(parts.passed),
      inherited_(std::move(parts.inherited)),
      deliver_(std::move(deliver)),
      resolver_(io_, [this] { publish_addresses(); }),
      adoption_(io_, workers),
      sites_(registry_, resolver_, workers) {}

config::Result<bool> Publisher::begin(config::Loaded loaded) {
  tried_before(loaded.config);
  auto prepared = prepare(std::move(loaded));
  if (!prepared) return prepared.problems();
  keyring_.admin = prepared->keyring.admin;  // it may be asked before the first publication
  publish_when_resolved(std::move(*prepared), {});
  while (!current_) io_.run_one();
  inherited_.reset();
  return true;
}

void Publisher::reload(bool only_if_changed, Reloaded done) {
  if (busy_) {
    reload_again_ = true;
    if (done) waiting_.push_back(std::move(done));
    return;
  }
  auto loaded = config::load(path_);
  if (loaded) {
    const bool same = tried_before(loaded->config);
    if (same && only_if_changed) return;
  } else if (only_if_changed && ::access(path_.c_str(), R_OK) != 0) {
    return;  // between an editor's two steps there is no file; HUP tells of it
  }
  auto prepared = loaded ? prepare(std::move(*loaded)) : config::Result<Prepared>(loaded.problems());
  due_timer_.cancel();
  if (prepared) return publish_when_resolved(std::move(*prepared), std::move(done));
  tell_failure(prepared.problems());
  wait_for(prepared.problems());
  if (done) done(prepared.problems());
}

bool Publisher::tried_before(const config::Config& config) {
  auto files = watched_files(config);
  const std::string hash = config.hash + tls_files_state(config);
  if (files != files_) {
    files_ = std::move(files);
    if (files_known_) files_known_(files_);
  }
  return std::exchange(tried_hash_, hash) == hash;
}

/// Those in force too: a file that was loaded once is loaded again when it is back.
std::vector<std::string> Publisher::watched_files(const config::Config& tried) const {
  auto files = tls_files(tried);
  if (!current_) return files;
  for (std::string& file : tls_files(current_->config())) {
    if (std::ranges::find(files, file) == files.end()) files.push_back(std::move(file));
  }
  return files;
}

void Publisher::on_files(FilesKnown known) {
  files_known_ = std::move(known);
  files_known_(files_);
}

void Publisher::tell_failure(const config::Problems& problems) {
  ++reloads_failed_;
  trouble_ = problems.front().text();
  boost::json::array told;
  for (const config::Problem& problem : problems) {
    spdlog::error("{}", problem.text());
    told.emplace_back(problem.text());
  }
  spdlog::error("{} was not loaded ({} {}): what was loaded before stays in force", path_, problems.size(),
                problems.size() == 1 ? "error" : "errors");
  const boost::json::object event{{"result", "failure"}, {"file", path_}, {"errors", std::move(told)}};
  feed_.tell({"reload", boost::json::serialize(event)});
}

/// Where all that is wrong passes by itself, as with a certificate of a clock that is ahead, it is tried again then.
void Publisher::wait_for(const config::Problems& problems) {
  std::chrono::sys_seconds last{};
  for (const config::Problem& problem : problems) {
    if (!problem.passes) return;
    last = std::max(last, *problem.passes);
  }
  wait_until(last);
}

/// By the clock of the day, which may be put right meanwhile.
void Publisher::wait_until(std::chrono::sys_seconds time) {
  const auto left = time - net::now_in_seconds();
  due_timer_.expires_after(std::clamp(left + std::chrono::seconds(1), std::chrono::seconds(1), kLookAgain));
  due_timer_.async_wait([this, time](const boost::system::error_code& error) {
    if (error || !due_) return;
    if (net::now_in_seconds() < time) return wait_until(time);
    tried_hash_.clear();
    due_();
  });
}

void Publisher::tell_success() {
  ++reloads_ok_;
  const boost::json::object event{{"result", "success"}, {"file", path_}, {"hash", current_->config().hash}};
  feed_.tell({"reload", boost::json::serialize(event)});
}

/// Everything that can fail, before anything changes.
config::Result<Publisher::Prepared> Publisher::prepare(config::Loaded loaded) {
  if (auto refused = refusals(loaded.config); !refused.empty()) return refused;
  auto config = std::make_shared<const config::Config>(std::move(loaded.config));
  auto compiled = routing::compile(config, [] { return net::monotonic(); });
  if (!compiled) return compiled.problems();
  auto keyring = keysmith_.make(*config, keyring_, current_ ? net::Dates::must_hold : net::Dates::are_told);
  if (!keyring) return keyring.problems();
  auto sockets = bind_new(*config);
  if (!sockets) return sockets.problems();
  if (auto problems = open_access_log(*config); !problems.empty()) {
    for (auto& [address, opened] : *sockets) opened.close();
    return problems;
  }
  warn(loaded.warnings);
  warn(compiled->warnings);
  warn(keyring->warnings);
  return Prepared{compiled->snapshot, std::move(*sockets), std::move(*keyring)};
}

/// What a running weir does not change: told by key. And what the splits in force forbid.
config::Problems Publisher::refusals(const config::Config& next) const {
  config::Problems refused;
  for (const config::Service& service : next.services) {
    if (auto problem = store_.splits().refuses(service)) refused.push_back(std::move(*problem));
  }
  if (!current_) return inherited_ ? departures(next) : refused;
  const config::Config& now = current_->config();
  const config::Where file{path_, 0, 0};
  const auto refuse = [&](const std::string& key, const config::Where& where) {
    refused.push_back({where, key + ": cannot change while weir runs; restart it, or put the old value back"});
  };
  if (now.workers != next.workers) refuse("workers", file);
  if (now.admin != next.admin) refuse("admin", next.admin ? next.admin->where : file);
  const bool same_state =
      now.state.has_value() == next.state.has_value() && (!now.state || now.state->directory == next.state->directory);
  if (!same_state) refuse("state", next.state ? next.state->where : file);
  const auto moved = reshuffles(next);
  refused.insert(refused.end(), moved.begin(), moved.end());
  return refused;
}

/// What the file says now and did not when the weir before loaded it: nothing may change while one takes over.
config::Problems Publisher::departures(const config::Config& next) const {
  config::Problems found;
  const auto tell = [&](const config::Where& where, const std::string& what) {
    found.push_back({where, what + " is not as the weir before has it: the file was changed meanwhile; ask again"});
  };
  std::set<std::string> addresses;
  for (const config::Listener& listener : next.listeners) {
    addresses.insert(listener.address.text);
    if (std::ranges::find(*inherited_, listener.address.text, &unit::Estate::Listener::address) == inherited_->end()) {
      tell(listener.where, "listener " + listener.name);
    }
  }
  for (const unit::Estate::Listener& left : *inherited_) {
    if (!addresses.contains(left.address)) tell({path_, 0, 0}, "the listener on " + left.address);
  }
  const Author author{"file", path_, "start"};
  for (const config::Service& service : next.services) {
    const auto step = store_.splits().load(service, author, std::chrono::system_clock::now());
    if (step && step->change) {
      tell(service.where, "the split of " + service.name);
    }
  }
  return found;
}

config::Problems Publisher::reshuffles(const config::Config& next) const {
  config::Problems refused;
  for (const config::Service& service : next.services) {
    const config::Service* const before = find_service(current_->config(), service.name);
    if (!before || service.cohort.allow_reshuffle) continue;
    const auto index = current_->snapshot->service_index(service.name);
    const config::Share share = current_->snapshot->services[*index].share;
    const bool split_open = share > config::kNobody && share < config::kEverybody;
    const bool reshuffles = salt_of(*before) != salt_of(service) || before->cohort.keys != service.cohort.keys;
    if (split_open && reshuffles) {
      refused.push_back(
          {service.cohort.where,
           "service " + service.name + ": another salt or key moves users between versions while the split is " +
               config::share_text(share) + "; wait for 0% or 100%, or say allow_reshuffle: true in its cohort"});
    }
  }
  return refused;
}

config::Result<std::map<std::string, ListenSockets>> Publisher::bind_new(const config::Config& next) const {
  std::map<std::string, ListenSockets> opened;
  config::Problems problems;
  for (const config::Listener& listener : next.listeners) {
    if (listeners_.contains(listener.address.text)) continue;
    auto sockets = open(listener);
    if (sockets) {
      opened.emplace(listener.address.text, std::move(*sockets));
    } else {
      problems.insert(problems.end(), sockets.problems().begin(), sockets.problems().end());
    }
  }
  if (problems.empty()) return opened;
  for (auto& [address, sockets] : opened) sockets.close();
  return problems;
}

config::Result<ListenSockets> Publisher::open(const config::Listener& listener) const {
  if (!inherited_) return listen_on(listener, passed_, workers_);
  return take_over(listener, *std::ranges::find(*inherited_, listener.address.text, &unit::Estate::Listener::address),
                   workers_);
}

config::Problems Publisher::open_access_log(const config::Config& next) {
  const std::string path = next.access_log ? next.access_log->path : "";
  const bool same = current_ && current_->config().access_log && current_->config().access_log->path == path;
  if (same || access_log_.open(path)) return {};
  return {{{path_, 0, 0}, "access_log: cannot open " + path + ": " + std::strerror(errno)}};
}

/// Names that are new must have been looked up before the first request asks for them.
void Publisher::publish_when_resolved(Prepared prepared, Reloaded done) {
  busy_ = true;
  resolver_.want(names_in(*prepared.snapshot->config));
  auto waiting = std::make_shared<Prepared>(std::move(prepared));
  resolver_.settle(kResolvePatience, [this, waiting, done = std::move(done)] {
    const auto problems = publish(*waiting);
    busy_ = false;
    if (!problems.empty()) {
      tell_failure(problems);
      for (auto& [address, opened] : waiting->sockets) opened.close();
      resolver_.want(names_in(current_->config()));
      if (done) done(problems);
    } else if (done) {
      when_adopted([done](size_t) { done({}); });
    }
    if (!std::exchange(reload_again_, false)) return;
    auto next = std::exchange(waiting_, {});
    const bool nobody_asked = next.empty();
    reload(nobody_asked, [next = std::move(next)](const config::Problems& found) {
      for (const Reloaded& call : next) call(found);
    });
  });
}

/// Splits may have changed while names were looked up, so that what they forbid is asked again.
config::Problems Publisher::publish(Prepared& prepared) {
  const bool first = !current_;
  if (auto refused = refusals(*prepared.snapshot->config); !refused.empty()) return refused;
  if (auto refused = remember_splits(*prepared.snapshot->config); !refused.empty()) return refused;
  set_splits(*prepared.snapshot);
  auto listeners = adopt_listeners(prepared);
  keyring_ = std::move(prepared.keyring);
  auto publication = sites_.publication(prepared.snapshot, listeners_, keyring_);
  for (NewListener& listener : listeners) {
    const auto id = listeners_.at(listener.site->config.address.text).id;
    listener.site = *std::ranges::find(publication->listeners, id, [](const auto& site) { return site->id; });
  }
  trouble_.clear();
  spdlog::info("{} {} (hash {}): {} listeners, {} services", path_, first ? "loaded" : "reloaded",
               publication->config().hash, publication->listeners.size(), publication->services.size());
  deliver(std::move(publication), std::move(listeners));
  if (!first) tell_success();
  return {};
}

void Publisher::deliver(std::shared_ptr<const proxy::Publication> publication, std::vector<NewListener> fresh) {
  current_ = publication;
  Sites::tell_those_under_way(*publication);
  const uint64_t number = adoption_.published();
  deliver_(std::move(publication), std::move(fresh), [this, number](size_t worker) {
    adoption_.adopted(worker, number);
    if (adoption_.by_all()) hash_in_force_ = current_->config().hash;
  });
}

/// The same snapshot with the addresses that names have now.
void Publisher::publish_addresses() {
  if (!current_ || busy_) return;
  auto publication = sites_.publication(current_->snapshot, listeners_, keyring_);
  deliver(std::move(publication), {});
}

/// Cheap: rules, subjects and sites are shared with the publication before.
void Publisher::publish_splits() {
  auto snapshot = std::make_shared<routing::Snapshot>(*current_->snapshot);
  set_splits(*snapshot);
  auto publication = std::make_shared<proxy::Publication>(*current_);
  publication->snapshot = std::move(snapshot);
  for (size_t i = 0; i < publication->services.size(); ++i) {
    publication->services[i].rollout = sites_.rollout(publication->snapshot->services[i].name);
  }
  deliver(std::move(publication), {});
}

/// What the file makes of the splits, remembered before it is in force. At the start a disk that cannot be
/// written is told and no more: serving comes first.
config::Problems Publisher::remember_splits(const config::Config& next) {
  const Author author{"file", path_, current_ ? "file" : "start"};
  std::vector<Step> steps;
  for (const config::Service& service : next.services) {
    if (auto step = store_.splits().load(service, author, std::chrono::system_clock::now())) {
      steps.push_back(std::move(*step));
    }
  }
  if (inherited_) steps.clear();  // the weir before has written them
  const bool changes = std::ranges::any_of(steps, [](const Step& step) { return step.change.has_value(); });
  if (!store_.commit(steps)) {
    if (current_ && changes) {
      return {{{path_, 0, 0}, "split: not changed, since it could not be remembered: " + store_.error()}};
    }
    spdlog::error("{}: what the file says of splits is in force, and not remembered", store_.error());
    store_.force(steps);
  }
  for (const Step& step : steps) {
    for (const std::string& told : step.told) spdlog::warn("{}", told);
    if (step.change) tell_change(*step.change, feed_);
  }
  return {};
}

void Publisher::set_splits(routing::Snapshot& snapshot) const {
  for (routing::ServicePlan& plan : snapshot.services) {
    const Remembered& split = *store_.splits().find(plan.name);
    const std::string& candidate = plan.versions[plan.candidate].name;
    plan.share = plan.has_candidate ? share_of(split.shares, candidate) : config::kNobody;
    plan.closed = plan.has_candidate && split.closed.contains(candidate);
    plan.revision = split.revision;
  }
}

/// Listeners in force from here on; returns those whose sockets the workers do not have yet.
std::vector<NewListener> Publisher::adopt_listeners(Prepared& prepared) {
  ListenersInForce next;
  std::vector<NewListener> fresh;
  for (const config::Listener& listener : prepared.snapshot->config->listeners) {
    const std::string& address = listener.address.text;
    if (const auto known = listeners_.find(address); known != listeners_.end()) {
      next.emplace(address, known->second);
      continue;
    }
    ListenSockets& sockets = prepared.sockets.at(address);
    next.emplace(address,
                 ListenerInForce{next_listener_++, sockets.address.text(), sockets.descriptors, sockets.shared});
    auto site = std::make_shared<proxy::ListenerSite>();
    site->config = listener;
    fresh.push_back({site, std::move(sockets)});
  }
  for (const auto& [address, gone] : listeners_) {
    if (!next.contains(address) && address.starts_with("unix:")) ::unlink(address.c_str() + 5);
  }
  listeners_ = std::move(next);
  return fresh;
}

std::vector<unit::Estate::Listener> Publisher::legacy() const {
  std::vector<unit::Estate::Listener> all;
  for (const auto& [address, listener] : listeners_) all.push_back({address, listener.descriptors, listener.shared});
  return all;
}

std::vector<std::string> Publisher::listener_addresses() const {
  std::vector<std::string> addresses;
  for (const auto& listener : current_->listeners)
    addresses.push_back(listeners_.at(listener->config.address.text).bound);
  return addresses;
}

}  // namespace weir::control
