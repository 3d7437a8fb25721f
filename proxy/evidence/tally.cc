#include "proxy/evidence/tally.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>

namespace weir::evidence {

Bell::Bell() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Bell::~Bell() { ::close(fd_); }

void Bell::ring() {
  if (rung_.exchange(true)) return;
  const uint64_t one = 1;
  // It cannot fill up: one ring is written at a time.
  [[maybe_unused]] const ssize_t written = ::write(fd_, &one, sizeof one);
}

void Bell::heard() {
  uint64_t rings = 0;
  [[maybe_unused]] const ssize_t got = ::read(fd_, &rings, sizeof rings);
  rung_.store(false);
}

Tally::Tally(size_t workers, Terms terms, std::shared_ptr<Bell> bell)
    : terms_(terms), bell_(std::move(bell)), workers_(workers), shards_(std::make_unique<Shard[]>(workers)) {}

void Tally::answered(size_t worker, Side side, uint64_t user, bool failed, std::chrono::nanoseconds took) {
  SideShard& shard = shards_[worker].sides[side];
  shard.requests.add();
  if (failed) shard.failed.add();
  if (terms_.p99_limit.count() > 0 && (took > terms_.p99_limit || took.count() == 0)) shard.over_p99.add();
  const uint32_t place = routing::rollout::filter_place(user, UserFilter::kPlaces);
  std::atomic<uint64_t>& word = shard.seen[place / 64];
  const uint64_t bit = uint64_t{1} << (place % 64), before = word.load(std::memory_order_relaxed);
  if ((before & bit) == 0) word.store(before | bit, std::memory_order_relaxed);
}

void Tally::bad(size_t worker, BadEvent event) {
  Shard& shard = shards_[worker];
  UserFilter& told = shard.told[static_cast<size_t>(event.metric)];
  if (!told.insert(event.user)) return;
  event.good = good(Side::kCandidate);
  shard.events.push(
      {event, std::chrono::steady_clock::now().time_since_epoch()});  // what finds no room is lost: it only costs power
  bell_->ring();
}

routing::rollout::Count Tally::count(Side side) const {
  routing::rollout::Count count;
  for (const Shard& shard : std::span(shards_.get(), workers_)) {
    count.requests += shard.sides[side].requests.value();
    count.failed += shard.sides[side].failed.value();
    count.over_p99 += shard.sides[side].over_p99.value();
  }
  return count;
}

uint64_t Tally::good(Side side) const {
  const routing::rollout::Count all = count(side);
  return all.requests - std::min(all.failed, all.requests);
}

uint64_t Tally::diverted() const {
  uint64_t all = 0;
  for (const Shard& shard : std::span(shards_.get(), workers_)) all += shard.diverted.value();
  return all;
}

void Tally::unite(Side side, UserFilter& filter) const {
  std::vector<uint64_t> words(kWords);
  for (const Shard& shard : std::span(shards_.get(), workers_)) {
    for (size_t i = 0; i < kWords; ++i) words[i] |= shard.sides[side].seen[i].load(std::memory_order_relaxed);
  }
  filter.unite(words);
}

}  // namespace weir::evidence
