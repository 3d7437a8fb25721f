#include "proxy/control/publisher.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

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

Publisher::Publisher(boost::asio::io_context& io, std::string path, size_t workers, metrics::Registry& registry,
                     log::AccessLog& access_log, Deliver deliver)
    : io_(io),
      path_(std::move(path)),
      workers_(workers),
      registry_(registry),
      access_log_(access_log),
      deliver_(std::move(deliver)),
      resolver_(io, [this] { publish_addresses(); }) {}

config::Result<bool> Publisher::begin(config::Loaded loaded) {
  tried_hash_ = loaded.config.hash;
  auto prepared = prepare(std::move(loaded));
  if (!prepared) return prepared.problems();
  publish_when_resolved(std::move(*prepared));
  while (!current_) io_.run_one();
  return true;
}

void Publisher::reload(bool only_if_changed) {
  if (busy_) {
    reload_again_ = true;
    return;
  }
  auto loaded = config::load(path_);
  if (loaded) {
    const bool same = std::exchange(tried_hash_, loaded->config.hash) == loaded->config.hash;
    if (same && only_if_changed) return;
  } else if (only_if_changed && ::access(path_.c_str(), R_OK) != 0) {
    return;  // between an editor's two steps there is no file; HUP tells of it
  }
  auto prepared = loaded ? prepare(std::move(*loaded)) : config::Result<Prepared>(loaded.problems());
  if (!prepared) return tell_failure(prepared.problems());
  publish_when_resolved(std::move(*prepared));
}

void Publisher::tell_failure(const config::Problems& problems) {
  ++reloads_failed_;
  last_ok_ = false;
  for (const config::Problem& problem : problems) spdlog::error("{}", problem.text());
  spdlog::error("{} was not loaded ({} {}): what was loaded before stays in force", path_, problems.size(),
                problems.size() == 1 ? "error" : "errors");
}

/// Everything that can fail, before anything changes.
config::Result<Publisher::Prepared> Publisher::prepare(config::Loaded loaded) {
  if (auto refused = refusals(loaded.config); !refused.empty()) return refused;
  auto config = std::make_shared<const config::Config>(std::move(loaded.config));
  auto compiled = routing::compile(config, [] { return net::monotonic(); });
  if (!compiled) return compiled.problems();
  auto sockets = bind_new(*config);
  if (!sockets) return sockets.problems();
  if (auto problems = open_access_log(*config); !problems.empty()) {
    for (auto& [address, opened] : *sockets) opened.close();
    return problems;
  }
  warn(loaded.warnings);
  warn(compiled->warnings);
  return Prepared{compiled->snapshot, std::move(*sockets)};
}

/// What a running weir does not change: told by key.
config::Problems Publisher::refusals(const config::Config& next) const {
  config::Problems refused;
  if (!current_) return refused;
  const config::Config& now = current_->config();
  const config::Where file{path_, 0, 0};
  if (now.workers != next.workers) {
    refused.push_back({file, "workers: cannot change while weir runs; restart it, or put the old value back"});
  }
  if (now.admin != next.admin) {
    refused.push_back({next.admin ? next.admin->where : file,
                       "admin: cannot change while weir runs; restart it, or put the old value back"});
  }
  for (const config::Service& service : next.services) {
    const config::Service* const before = find_service(now, service.name);
    const auto split = splits_.find(service.name);
    if (!before || split == splits_.end() || service.cohort.allow_reshuffle) continue;
    const bool split_open = split->second.share > config::kNobody && split->second.share < config::kEverybody;
    const bool reshuffles = salt_of(*before) != salt_of(service) || before->cohort.keys != service.cohort.keys;
    if (split_open && reshuffles) {
      refused.push_back(
          {service.cohort.where, "service " + service.name +
                                     ": another salt or key moves users between versions while the split is " +
                                     config::share_text(split->second.share) +
                                     "; wait for 0% or 100%, or say allow_reshuffle: true in its cohort"});
    }
  }
  return refused;
}

config::Result<std::map<std::string, ListenSockets>> Publisher::bind_new(const config::Config& next) const {
  std::map<std::string, ListenSockets> opened;
  config::Problems problems;
  for (const config::Listener& listener : next.listeners) {
    if (listeners_.contains(listener.address.text)) continue;
    auto sockets = listen_on(listener, workers_);
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

config::Problems Publisher::open_access_log(const config::Config& next) {
  const std::string path = next.access_log ? next.access_log->path : "";
  const bool same = current_ && current_->config().access_log && current_->config().access_log->path == path;
  if (same || access_log_.open(path)) return {};
  return {{{path_, 0, 0}, "access_log: cannot open " + path + ": " + std::strerror(errno)}};
}

/// Names that are new must have been looked up before the first request asks for them.
void Publisher::publish_when_resolved(Prepared prepared) {
  busy_ = true;
  resolver_.want(names_in(*prepared.snapshot->config));
  auto waiting = std::make_shared<Prepared>(std::move(prepared));
  resolver_.settle(kResolvePatience, [this, waiting] {
    publish(std::move(*waiting));
    busy_ = false;
    if (std::exchange(reload_again_, false)) reload(true);
  });
}

void Publisher::publish(Prepared prepared) {
  const bool first = !current_;
  number_splits(*prepared.snapshot);
  auto listeners = adopt_listeners(prepared);
  auto publication = make_publication(prepared.snapshot);
  for (NewListener& listener : listeners) {
    const auto id = listeners_.at(listener.site->config.address.text).id;
    listener.site = *std::ranges::find(publication->listeners, id, [](const auto& site) { return site->id; });
  }
  current_ = publication;
  last_ok_ = true;
  if (!first) ++reloads_ok_;
  spdlog::info("{} {} (hash {}): {} listeners, {} services", path_, first ? "loaded" : "reloaded",
               publication->config().hash, publication->listeners.size(), publication->services.size());
  deliver_(std::move(publication), std::move(listeners));
}

/// The same snapshot with the addresses that names have now.
void Publisher::publish_addresses() {
  if (!current_ || busy_) return;
  current_ = make_publication(current_->snapshot);
  deliver_(current_, {});
}

/// A revision grows with each change of its split; a reload that leaves the split alone leaves it alone.
void Publisher::number_splits(routing::Snapshot& snapshot) {
  std::map<std::string, SplitInForce> next;
  for (routing::ServicePlan& plan : snapshot.services) {
    const std::string candidate = plan.has_candidate ? plan.versions[plan.candidate].name : "";
    SplitInForce split{candidate, plan.share, 1, 0};
    if (const auto before = splits_.find(plan.name); before != splits_.end()) {
      const bool changed = before->second.candidate != candidate || before->second.share != plan.share;
      split.revision = before->second.revision + (changed ? 1 : 0);
      split.changes_by_file = before->second.changes_by_file + (changed ? 1 : 0);
      if (changed) {
        spdlog::info("{}: {} {} -> {} by the file, revision {}", plan.name, candidate.empty() ? "split" : candidate,
                     config::share_text(before->second.share), config::share_text(plan.share), split.revision);
      }
    }
    plan.revision = split.revision;
    next.emplace(plan.name, std::move(split));
  }
  splits_ = std::move(next);
}

/// Listeners in force from here on; returns those whose sockets the workers do not have yet.
std::vector<NewListener> Publisher::adopt_listeners(Prepared& prepared) {
  std::map<std::string, ListenerInForce> next;
  std::vector<NewListener> fresh;
  for (const config::Listener& listener : prepared.snapshot->config->listeners) {
    const std::string& address = listener.address.text;
    if (const auto known = listeners_.find(address); known != listeners_.end()) {
      next.emplace(address, known->second);
      continue;
    }
    ListenSockets& sockets = prepared.sockets.at(address);
    next.emplace(address, ListenerInForce{next_listener_++, sockets.address.text()});
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

std::shared_ptr<const proxy::Publication> Publisher::make_publication(
    std::shared_ptr<const routing::Snapshot> snapshot) {
  auto publication = std::make_shared<proxy::Publication>();
  const config::Config& config = *snapshot->config;
  for (const config::Listener& listener : config.listeners) publication->listeners.push_back(make_listener(listener));
  for (size_t i = 0; i < config.services.size(); ++i) {
    publication->services.push_back(make_service(snapshot->services[i], config.services[i], config.timeouts));
  }
  publication->snapshot = std::move(snapshot);
  std::erase_if(endpoints_, [](const auto& entry) { return entry.second.expired(); });
  return publication;
}

std::shared_ptr<const proxy::ListenerSite> Publisher::make_listener(const config::Listener& listener) {
  const ListenerInForce& known = listeners_.at(listener.address.text);
  auto site = std::make_shared<proxy::ListenerSite>();
  site->id = known.id;
  site->config = listener;
  site->fallback_host = listener.address.kind == config::Address::Kind::unix_path ? "localhost" : known.bound;
  site->numbers = registry_.listener(listener.name);
  return site;
}

proxy::ServiceSite Publisher::make_service(const routing::ServicePlan& plan, const config::Service& service,
                                           const config::Timeouts& timeouts) {
  proxy::ServiceSite site;
  site.numbers = registry_.service(service.name);
  for (const routing::RulePlan& rule : plan.rules) site.rules.push_back(registry_.rule(service.name, rule.name));
  for (size_t i = 0; i < service.versions.size(); ++i) {
    site.versions.push_back(make_version(service, service.versions[i], timeouts));
    site.available.up[i] =
        std::ranges::any_of(site.versions[i].endpoints, [](const auto& e) { return !e.addresses.empty(); });
  }
  return site;
}

proxy::VersionSite Publisher::make_version(const config::Service& service, const config::Version& version,
                                           const config::Timeouts& timeouts) {
  proxy::VersionSite site;
  site.balance = version.balance;
  site.timeouts = {version.timeouts.connect.value_or(timeouts.connect),
                   version.timeouts.response_head.value_or(timeouts.response_head),
                   version.timeouts.response_body.value_or(timeouts.response_body),
                   version.timeouts.upstream_idle.value_or(timeouts.upstream_idle)};
  site.numbers = registry_.version(service.name, version.name);
  for (const config::Endpoint& written : version.endpoints) {
    site.endpoints.push_back({endpoint(service.name, version.name, written.address.text),
                              resolver_.addresses(written.address), version.max_connections});
  }
  return site;
}

std::shared_ptr<upstream::Endpoint> Publisher::endpoint(const std::string& service, const std::string& version,
                                                        const std::string& address) {
  auto& place = endpoints_[{service, version, address}];
  auto found = place.lock();
  if (!found) place = found = std::make_shared<upstream::Endpoint>(service, version, address, workers_);
  return found;
}

std::vector<std::string> Publisher::listener_addresses() const {
  std::vector<std::string> addresses;
  for (const auto& listener : current_->listeners)
    addresses.push_back(listeners_.at(listener->config.address.text).bound);
  return addresses;
}

void Publisher::fill(metrics::Facts& facts) const {
  facts.config_hash = current_->config().hash;
  facts.last_reload_successful = last_ok_;
  facts.reloads = {{"success", reloads_ok_}, {"failure", reloads_failed_}};
  for (size_t i = 0; i < current_->services.size(); ++i) {
    const routing::ServicePlan& plan = current_->snapshot->services[i];
    const SplitInForce& split = splits_.at(plan.name);
    facts.revisions.push_back({plan.name, split.revision});
    facts.split_changes.push_back({plan.name, "file", split.changes_by_file});
    for (size_t version = 0; version < plan.versions.size(); ++version) {
      const std::string& name = plan.versions[version].name;
      const double candidate = static_cast<double>(plan.share) / static_cast<double>(config::kEverybody);
      const bool is_candidate = plan.has_candidate && version == plan.candidate;
      facts.splits.push_back({plan.name, name, is_candidate ? candidate : plan.has_candidate ? 1 - candidate : 1});
      for (const auto& site : current_->services[i].versions[version].endpoints) {
        facts.endpoints.push_back({plan.name, name, site.endpoint->name, !site.addresses.empty()});
      }
    }
  }
}

}  // namespace weir::control
