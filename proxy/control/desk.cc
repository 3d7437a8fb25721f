#include "proxy/control/desk.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace weir::control {

namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

Outcome unknown_service(const std::string& service) {
  Outcome outcome;
  outcome.refusal = Refusal::unknown_service;
  outcome.detail = "there is no service " + service;
  return outcome;
}

Outcome draining(const std::string& service) {
  Outcome outcome;
  outcome.refusal = Refusal::draining;
  outcome.detail = "this process is draining, another may have taken over: " + service + " was not changed; ask again";
  return outcome;
}

}  // namespace

const config::Service* Desk::find(const std::string& service) const {
  const auto& services = parts_.publisher.current()->config().services;
  const auto found = std::ranges::find(services, service, &config::Service::name);
  return found == services.end() ? nullptr : &*found;
}

std::optional<SplitInForce> Desk::split(const std::string& name) const {
  const config::Service* const service = find(name);
  return service ? std::optional(parts_.store.splits().in_force(*service)) : std::nullopt;
}

std::vector<SplitInForce> Desk::splits() const {
  std::vector<SplitInForce> all;
  for (const config::Service& service : parts_.publisher.current()->config().services) {
    all.push_back(parts_.store.splits().in_force(service));
  }
  return all;
}

std::vector<Change> Desk::history(const HistoryQuery& query) const { return parts_.store.splits().history(query); }

void Desk::set_split(SplitWish wish, Done done) {
  const config::Service* const service = find(wish.service);
  if (!service) return done(unknown_service(wish.service));
  if (parts_.draining() && !wish.dry_run) return done(draining(wish.service));
  change(*service, parts_.store.splits().set(*service, wish, system_clock::now()), wish.dry_run, std::move(done));
}

void Desk::reopen(std::string name, std::string reason, Author author, Done done) {
  const config::Service* const service = find(name);
  if (!service) return done(unknown_service(name));
  if (parts_.draining()) return done(draining(name));
  change(*service, parts_.store.splits().reopen(*service, reason, author, system_clock::now()), false, std::move(done));
}

void Desk::revert(std::string name, uint64_t revision, std::string reason, Author author, Done done) {
  const config::Service* const service = find(name);
  if (!service) return done(unknown_service(name));
  if (parts_.draining()) return done(draining(name));
  change(*service, parts_.store.splits().revert(*service, revision, reason, author, system_clock::now()), false,
         std::move(done));
}

/// An emergency: in force first, then written; also while draining, so that the next start knows of it.
void Desk::rollback(RollbackWish wish, Done done) {
  const config::Service* const service = find(wish.service);
  if (!service) return done(unknown_service(wish.service));
  if (parts_.retired()) return done(draining(wish.service));
  if (!wish.force && parts_.rollouts.past_no_return(wish.service)) {
    Outcome outcome;
    outcome.refusal = Refusal::not_now;
    outcome.detail = wish.service + "'s rollout is past a stage without a way back; --force rolls back all the same";
    return done(std::move(outcome));
  }
  Judgement judged = parts_.store.splits().rollback(*service, wish, system_clock::now());
  Outcome told = outcome(*service, judged);
  if (judged.refusal == Refusal::none && wish.close_tunnels) end_tunnels_after(*service, *wish.close_tunnels);
  if (!judged.step) return answer_when_adopted(*service, std::move(told), std::move(done));
  told.remembered = parts_.store.force({*judged.step}, [&] {
    parts_.publisher.publish_splits();
    parts_.wake_sessions();
  });
  told.changed = true;
  tell_change(*judged.step->change, parts_.feed);
  if (!told.remembered && parts_.store.remembers()) {
    spdlog::critical("{} IS ROLLED BACK, BUT THAT IS NOT REMEMBERED: {}; a restart now would undo it", wish.service,
                     parts_.store.error());
    catch_up_soon();
  }
  answer_when_adopted(*service, std::move(told), std::move(done));
}

/// What can be said before anything happens.
Outcome Desk::outcome(const config::Service& service, const Judgement& judged) const {
  Outcome outcome;
  outcome.refusal = judged.refusal;
  outcome.detail = judged.detail;
  outcome.field = judged.field;
  outcome.remembered = parts_.store.remembers() && !parts_.store.behind();
  outcome.split = parts_.store.splits().in_force(service);
  if (judged.refusal != Refusal::none) return outcome;
  const bool closes = judged.step && judged.step->change->kind == "rollback";
  outcome.effect = effect(service, judged.step ? judged.step->state.shares : outcome.split.shares, closes);
  return outcome;
}

Effect Desk::effect(const config::Service& service, const Shares& after, bool closes) const {
  const auto& publication = *parts_.publisher.current();
  const auto index = publication.snapshot->service_index(service.name);
  std::vector<VersionLoad> loads;
  for (size_t i = 0; i < service.versions.size(); ++i) {
    const proxy::VersionSite& site = publication.services[*index].versions[i];
    const bool up = std::ranges::any_of(site.endpoints, [](const auto& at) { return !at.addresses.empty(); });
    loads.push_back({parts_.traffic.load(service.name, service.versions[i].name), up});
  }
  return effect_of(service, parts_.store.splits().find(service.name)->shares, after, loads, closes);
}

void Desk::change(const config::Service& service, Judgement judged, bool dry_run, Done done) {
  Outcome told = outcome(service, judged);
  if (told.refusal != Refusal::none || dry_run) return done(std::move(told));
  if (judged.step) {
    if (!parts_.store.commit({*judged.step})) {
      spdlog::error("{}: not changed, since it could not be remembered: {}", service.name, parts_.store.error());
      told.refusal = Refusal::not_stored;
      told.detail = "not changed, since it could not be remembered: " + parts_.store.error();
      told.effect = {};
      return done(std::move(told));
    }
    told.changed = true;
    told.remembered = parts_.store.remembers();
    parts_.publisher.publish_splits();
    tell_change(*judged.step->change, parts_.feed);
  }
  answer_when_adopted(service, std::move(told), std::move(done));
}

/// A repeat waits too: what it found may be on its way to the workers.
void Desk::answer_when_adopted(const config::Service& service, Outcome outcome, Done done) {
  if (outcome.refusal != Refusal::none) return done(std::move(outcome));
  outcome.workers = parts_.publisher.workers();
  outcome.split = parts_.store.splits().in_force(service);
  const auto begin = steady_clock::now();
  parts_.publisher.when_adopted([outcome = std::move(outcome), done = std::move(done), begin](size_t pending) mutable {
    outcome.pending_workers = pending;
    outcome.took = steady_clock::now() - begin;
    done(std::move(outcome));
  });
}

void Desk::end_tunnels_after(const config::Service& service, std::chrono::seconds time) {
  const std::string candidate = service.versions[*service.candidate_index()].name;
  const auto timer = tunnel_timers_.emplace(tunnel_timers_.end(), parts_.io);
  timer->expires_after(time);
  timer->async_wait([this, timer, name = service.name, candidate](const boost::system::error_code& error) {
    if (error) return;
    tunnel_timers_.erase(timer);
    end_tunnels(name, candidate);
  });
}

/// Unless the candidate was reopened meanwhile.
void Desk::end_tunnels(const std::string& service, const std::string& version) {
  const auto& publication = *parts_.publisher.current();
  const auto index = publication.snapshot->service_index(service);
  const Remembered* const state = parts_.store.splits().find(service);
  if (!index || !state->closed.contains(version)) return;
  const auto at = publication.config().services[*index].version_index(version);
  if (!at) return;
  spdlog::info("{}: upgraded connections to {} end", service, version);
  publication.services[*index].versions[*at].under_way->tunnels_ended.fetch_add(1, std::memory_order_relaxed);
  parts_.wake_sessions();
}

void Desk::catch_up_soon() {
  if (std::exchange(catching_up_, true)) return;
  catch_up_.expires_after(kCatchUp);
  catch_up_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    catching_up_ = false;
    if (!parts_.store.catch_up()) catch_up_soon();
  });
}

RolloutOutcome Desk::tell_rollout(const RolloutWish& wish) {
  if (parts_.draining()) return {Refusal::draining, draining(wish.service).detail, ""};
  return parts_.rollouts.tell(wish);
}

void Desk::reload(std::function<void(config::Problems)> done) {
  if (parts_.draining()) return done({{{}, "weir is draining: nothing is loaded any more"}});
  parts_.reload(std::move(done));
}

void Desk::drain() {
  parts_.feed.tell({"drain", "{}"});
  parts_.drain();
}

void Desk::stop() {
  catch_up_.cancel();
  tunnel_timers_.clear();
}

}  // namespace weir::control
