#include "proxy/control/splits.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::control {

namespace {

uint32_t millionths(config::Share share) { return static_cast<uint32_t>(share); }

std::string candidate_of(const config::Service& service) {
  const auto candidate = service.candidate_index();
  return candidate ? service.versions[*candidate].name : std::string();
}

/// Everybody who is not on the candidate is on the stable version.
Shares with_candidate(const config::Service& service, config::Share share) {
  Shares shares;
  for (const config::Version& version : service.versions) {
    const bool stable = version.name == service.stable;
    shares.emplace_back(version.name,
                        stable ? config::Share{millionths(config::kEverybody) - millionths(share)} : share);
  }
  return shares;
}

bool is_closed(const config::Service& service, const Remembered& state) {
  return state.closed.contains(candidate_of(service));
}

/// Versions with a share that the file does not know any more.
std::vector<std::string> gone(const config::Service& service, const Remembered& state) {
  std::vector<std::string> names;
  for (const auto& [version, share] : state.shares) {
    if (share != config::kNobody && !service.version_index(version)) names.push_back(version);
  }
  return names;
}

std::optional<Shares> written(const config::Service& service) {
  return service.split ? std::optional(service.split->shares) : std::nullopt;
}

bool same_file(const std::optional<Shares>& a, const std::optional<Shares>& b) {
  return a.has_value() == b.has_value() && (!a || same_shares(*a, *b));
}

Judgement refused(Refusal refusal, std::string detail, std::string field = {}) {
  return {refusal, std::move(detail), std::move(field), std::nullopt};
}

Judgement closed_refusal(const config::Service& service) {
  return refused(Refusal::closed, fmt::format("{0} of {1} is closed, it was rolled back; `weir reopen {1}` opens it",
                                              candidate_of(service), service.name));
}

/// What is not named goes to 0%, but to the stable version the rest.
std::optional<Judgement> complete(const config::Service& service, const Shares& wished, config::Share& candidate) {
  uint64_t sum = 0;
  std::set<std::string> named;
  for (const auto& [version, share] : wished) {
    if (!service.version_index(version)) {
      return refused(Refusal::unknown_version, fmt::format("{} has no version {}", service.name, version),
                     "shares." + version);
    }
    if (!named.insert(version).second) return refused(Refusal::bad_share, version + " is named twice", "shares");
    sum += millionths(share);
  }
  if (wished.empty()) return refused(Refusal::bad_share, "no version is named", "shares");
  const auto share_text = [](uint64_t sum) { return fmt::format("{:.6g}%", static_cast<double>(sum) / 10'000); };
  const bool rest_goes_to_stable = !named.contains(service.stable);
  if (sum > millionths(config::kEverybody) || (!rest_goes_to_stable && sum < millionths(config::kEverybody))) {
    return refused(Refusal::bad_share, fmt::format("the shares add up to {}, not to 100%", share_text(sum)), "shares");
  }
  candidate = share_of(wished, candidate_of(service));
  return std::nullopt;
}

}  // namespace

Shares shares_in_file(const config::Service& service) {
  return with_candidate(service, service.candidate_share(service.split));
}

config::Share share_of(const Shares& shares, std::string_view version) {
  const auto found =
      std::ranges::find(shares, version, [](const auto& entry) -> std::string_view { return entry.first; });
  return found == shares.end() ? config::kNobody : found->second;
}

bool same_shares(const Shares& a, const Shares& b) {
  const auto holds = [](const Shares& one, const Shares& other) {
    return std::ranges::all_of(one, [&](const auto& entry) { return share_of(other, entry.first) == entry.second; });
  };
  return holds(a, b) && holds(b, a);
}

std::string shares_text(const Shares& shares) {
  std::string text;
  for (const auto& [version, share] : shares) {
    text += (text.empty() ? "" : ", ") + version + " " + config::share_text(share);
  }
  return text;
}

const Remembered* Splits::find(const std::string& service) const {
  const auto found = entries_.find(service);
  return found == entries_.end() ? nullptr : &found->second.state;
}

const Change* Splits::last(const std::string& service) const {
  const auto found = entries_.find(service);
  return found == entries_.end() || found->second.history.empty() ? nullptr : &found->second.history.back();
}

SplitInForce Splits::in_force(const config::Service& service) const {
  const Remembered& state = entries_.at(service.name).state;
  SplitInForce split;
  split.service = service.name;
  split.revision = state.revision;
  split.shares = state.shares;
  split.closed = is_closed(service, state);
  split.in_file = shares_in_file(service);
  split.differs_from_file = !same_shares(split.shares, split.in_file);
  if (const Change* change = last(service.name)) split.last = *change;
  return split;
}

std::vector<Change> Splits::history(const HistoryQuery& query) const {
  std::vector<Change> found;
  for (const auto& [service, entry] : entries_) {
    if (!query.service.empty() && service != query.service) continue;
    size_t taken = 0;
    for (auto change = entry.history.rbegin(); change != entry.history.rend() && taken < query.limit; ++change) {
      if (query.before && change->revision >= *query.before) continue;
      found.push_back(*change);
      ++taken;
    }
  }
  // Of one service they stand in the right order already, whatever the clock did.
  if (query.service.empty()) {
    std::ranges::stable_sort(found, [](const Change& a, const Change& b) { return a.at > b.at; });
  }
  if (found.size() > query.limit) found.resize(query.limit);
  return found;
}

std::optional<config::Problem> Splits::refuses(const config::Service& service) const {
  const Remembered* const state = find(service.name);
  if (!state || !state->closed.contains(service.stable)) return std::nullopt;
  return config::Problem{
      service.where,
      fmt::format("service {0}: stable: {1} would send everybody to {1}, which is closed (it was rolled back); put the "
                  "old stable version back and reopen {1} first: weir reopen {0}",
                  service.name, service.stable)};
}

std::optional<Step> Splits::load(const config::Service& service, const Author& author, Time at) const {
  const Remembered* const before = find(service.name);
  Step step{service.name, before ? *before : Remembered{}, std::nullopt, {}};
  Remembered& next = step.state;
  next.file = written(service);
  next.candidate = candidate_of(service);
  next.shares = shares_in_file(service);
  if (!before) return step;

  const bool file_wrote = !same_file(before->file, next.file);
  const auto dropped = gone(service, *before);
  std::string reason = "the file's split changed";
  if (is_closed(service, *before)) {
    next.by_file = false;
    if (file_wrote && share_of(next.shares, next.candidate) != config::kNobody) {
      step.told.push_back(
          fmt::format("{0}: the file gives {1} {2}, but {1} is closed, it was rolled back: it gets "
                      "nobody; weir reopen {0}",
                      service.name, next.candidate, config::share_text(share_of(next.shares, next.candidate))));
    }
    next.shares = with_candidate(service, config::kNobody);
    reason = "the file's versions changed";
  } else if (!dropped.empty()) {
    next.by_file = true;
    reason = fmt::format("{} is gone from the file, and its share with it", fmt::join(dropped, ", "));
    step.told.push_back(fmt::format("{}: {}: the file's shares are in force", service.name, reason));
  } else if (file_wrote || before->by_file) {
    next.by_file = true;
  } else {
    const Shares in_file = std::exchange(next.shares, {});
    for (const auto& [version, share] : in_file) next.shares.emplace_back(version, share_of(before->shares, version));
    reason = "the file's versions changed";
    if (!same_shares(next.shares, in_file)) {
      step.told.push_back(fmt::format("{}: {} as set at run time; the file says {}", service.name,
                                      shares_text(next.shares), shares_text(in_file)));
    }
  }
  if (!same_shares(before->shares, next.shares) || before->candidate != next.candidate) {
    next.revision = before->revision + 1;
    step.change = Change{service.name,
                         next.revision,
                         at,
                         author,
                         "split",
                         before->shares,
                         next.shares,
                         before->closed.contains(before->candidate),
                         is_closed(service, next),
                         reason};
  }
  if (*before == next && step.told.empty()) return std::nullopt;
  return step;
}

/// The change so far says who, when and why.
Judgement Splits::change_to(const config::Service& service, Shares shares, Change change) const {
  const Remembered& before = *find(service.name);
  Step step{service.name, before, std::nullopt, {}};
  change.service = service.name;
  change.before = before.shares;
  change.closed_before = is_closed(service, before);
  if (change.kind == "rollback") step.state.closed.insert(candidate_of(service));
  if (change.kind == "reopen") step.state.closed.erase(candidate_of(service));
  step.state.shares = std::move(shares);
  step.state.by_file = false;
  change.after = step.state.shares;
  change.closed_after = is_closed(service, step.state);
  if (change.closed_before == change.closed_after && same_shares(change.before, change.after)) return {};
  change.revision = ++step.state.revision;
  step.change = std::move(change);
  return {Refusal::none, {}, {}, std::move(step)};
}

Judgement Splits::set(const config::Service& service, const SplitWish& wish, Time at) const {
  const Remembered& now = *find(service.name);
  config::Share candidate{};
  if (auto wrong = complete(service, wish.shares, candidate)) return *wrong;
  if (wish.if_revision && *wish.if_revision != now.revision) {
    return refused(Refusal::stale, fmt::format("{} is at revision {} now, not {}: {}", service.name, now.revision,
                                               *wish.if_revision, shares_text(now.shares)));
  }
  if (!service.candidate_index()) {
    return refused(Refusal::no_candidate, service.name + " has one version: there is nothing to split");
  }
  if (is_closed(service, now) && candidate != config::kNobody) return closed_refusal(service);
  Change change;
  change.kind = "split";
  change.at = at;
  change.author = wish.author;
  change.reason = wish.reason;
  return change_to(service, with_candidate(service, candidate), std::move(change));
}

Judgement Splits::rollback(const config::Service& service, const RollbackWish& wish, Time at) const {
  if (!service.candidate_index()) {
    return refused(Refusal::no_candidate, service.name + " has one version: there is nothing to roll back");
  }
  Change change;
  change.kind = "rollback";
  change.at = at;
  change.author = wish.author;
  change.reason = wish.reason;
  return change_to(service, with_candidate(service, config::kNobody), std::move(change));
}

Judgement Splits::reopen(const config::Service& service, const std::string& reason, const Author& author,
                         Time at) const {
  if (!service.candidate_index()) {
    return refused(Refusal::no_candidate, service.name + " has one version: there is nothing to reopen");
  }
  const Remembered& now = *find(service.name);
  if (!is_closed(service, now)) return {};
  Change change;
  change.kind = "reopen";
  change.at = at;
  change.author = author;
  change.reason = reason;
  return change_to(service, with_candidate(service, config::kNobody), std::move(change));
}

Judgement Splits::revert(const config::Service& service, uint64_t revision, const std::string& reason,
                         const Author& author, Time at) const {
  const auto shares = shares_after(entries_.at(service.name), revision);
  if (!shares) {
    return refused(Refusal::unknown_revision,
                   fmt::format("the history of {} knows no revision {}", service.name, revision), "revision");
  }
  for (const auto& [version, share] : *shares) {
    if (share != config::kNobody && !service.version_index(version)) {
      return refused(Refusal::unknown_version, fmt::format("revision {} gave {} {}, which {} does not have any more",
                                                           revision, version, config::share_text(share), service.name));
    }
  }
  if (!service.candidate_index()) {
    return refused(Refusal::no_candidate, service.name + " has one version: there is nothing to revert");
  }
  const config::Share candidate = share_of(*shares, candidate_of(service));
  if (is_closed(service, *find(service.name)) && candidate != config::kNobody) return closed_refusal(service);
  Change change;
  change.kind = "revert";
  change.at = at;
  change.author = author;
  change.reason = reason.empty() ? fmt::format("back to revision {}", revision) : reason;
  return change_to(service, with_candidate(service, candidate), std::move(change));
}

std::optional<Shares> Splits::shares_after(const Entry& entry, uint64_t revision) const {
  if (revision == entry.state.revision) return entry.state.shares;
  for (const Change& change : entry.history) {
    if (change.revision == revision) return change.after;
    if (change.revision == revision + 1) return change.before;
  }
  return std::nullopt;
}

void Splits::apply(const Step& step) {
  entries_[step.service].state = step.state;
  if (step.change) remember(*step.change);
}

void Splits::remember(Change change) {
  auto& [state, history] = entries_[change.service];
  if (change.revision > state.revision) {  // its state was lost: what the change tells of it
    state.revision = change.revision;
    state.shares = change.after;
    state.by_file = change.author.by == "file" || change.author.by == "start";
    for (const auto& [version, share] : change.after) {
      if (change.closed_after && share == config::kNobody) state.closed.insert(version);
    }
  }
  history.push_back(std::move(change));
  if (history.size() > kKept) history.pop_front();
}

}  // namespace weir::control
