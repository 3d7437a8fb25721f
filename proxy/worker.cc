#include "proxy/worker.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <set>
#include <system_error>

namespace weir::proxy {

namespace {

void fill_from_kernel(void* into, size_t size) {
  // Below 256 bytes getrandom never returns less; it fails only where the kernel is too old for weir.
  if (getrandom(into, size, 0) != static_cast<ssize_t>(size)) {
    throw std::system_error(errno, std::generic_category(), "getrandom");
  }
}

uint64_t rotate_left(uint64_t x, int by) { return (x << by) | (x >> (64 - by)); }

}  // namespace

Dice::Dice() {
  fill_from_kernel(state_.data(), sizeof state_);
  next_identity_ = identities_.size();
}

/// xoroshiro128+ (Blackman & Vigna, 2018): for balancing and request ids, not for secrets.
uint64_t Dice::roll() {
  const uint64_t first = state_[0];
  uint64_t second = state_[1];
  const uint64_t result = first + second;
  second ^= first;
  state_[0] = rotate_left(first, 24) ^ second ^ (second << 16);
  state_[1] = rotate_left(second, 37);
  return result;
}

routing::Chance Dice::chance() {
  if (next_identity_ + 2 > identities_.size()) draw_identities();
  return {roll(), identities_[next_identity_], identities_[next_identity_ + 1]};
}

void Dice::identity_used() { next_identity_ += 2; }

void Dice::draw_identities() {
  constexpr size_t kAtOnce = 256 / sizeof(uint64_t);
  for (size_t i = 0; i < identities_.size(); i += kAtOnce) fill_from_kernel(&identities_[i], 256);
  next_identity_ = 0;
}

void Dice::request_id(std::span<char, 32> out) {
  static constexpr auto kPairs = [] {
    std::array<std::array<char, 2>, 256> pairs{};
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (size_t i = 0; i < pairs.size(); ++i) pairs[i] = {kDigits[i >> 4], kDigits[i & 15]};
    return pairs;
  }();
  for (size_t half = 0; half < 2; ++half) {
    uint64_t bits = roll();
    for (size_t i = 0; i < 8; ++i, bits >>= 8) std::memcpy(&out[half * 16 + i * 2], kPairs[bits & 255].data(), 2);
  }
}

Worker::Worker(size_t index, metrics::Registry& registry, log::AccessLog& access_log)
    : index_(index), numbers_(registry.worker(index)), access_log_(access_log), input_(new char[kInput]) {
  loop_.on_tick([this] { tick(); });
}

Worker::~Worker() { view_ = ViewRef(); }

void Worker::finish() { access_log_.flush(); }

void Worker::tick() {
  if (upkeep_) upkeep_();
  net::Pipe::close_an_idle_one();
  access_log_.flush();
  if (const uint64_t dropped = access_log_.take_dropped(); dropped > 0) numbers_.access_log_dropped.add(dropped);
  for (auto at = pools_.begin(); at != pools_.end();) {
    const bool gone = at->second->retired() && at->second->unused();
    at = gone ? pools_.erase(at) : std::next(at);
  }
}

void Worker::adopt(std::shared_ptr<const Publication> publication) {
  auto view = std::make_unique<View>();
  view->publication = std::move(publication);
  const size_t count = view->publication->services.size();
  view->services.reserve(count);
  for (size_t i = 0; i < count; ++i) view->services.push_back(view_of(*view->publication, i));
  configure_pools(*view);
  retire_pools_unknown_to(*view);
  view_ = ViewRef(view.release());
  for (const ServiceView& service : view_->services) {
    for (const VersionView& version : service.versions) version.site->queue->call_all();
  }
}

ServiceView Worker::view_of(const Publication& publication, size_t service) {
  const ServiceSite& site = publication.services[service];
  ServiceView view;
  view.plan = &publication.snapshot->services[service];
  view.site = &site;
  view.config = &publication.config().services[service];
  view.numbers = &site.numbers->shard(index_);
  for (const auto& rule : site.rules) view.rules.push_back(&rule->shard(index_));
  for (const VersionSite& version : site.versions) view.versions.push_back(view_of(version));
  return view;
}

VersionView Worker::view_of(const VersionSite& site) {
  VersionView view;
  view.site = &site;
  view.numbers = &site.numbers->shard(index_);
  view.loads.resize(site.endpoints.size());
  view.turn = static_cast<uint32_t>(dice_.roll());  // workers do not go round in step
  for (const upstream::EndpointSite& endpoint : site.endpoints) view.pools.push_back(pool_of(endpoint));
  return view;
}

void VersionView::look_again() {
  health_seen = site->health->changes();
  warming = site->health->weigh(site->endpoints, weighed);
  for (size_t i = 0; i < pools.size(); ++i) pools[i]->use(loads[i], weighed[i].used);
}

void VersionView::call_waiting() const {
  upstream::Queue& queue = *site->queue;
  uint64_t room = 0;
  for (size_t i = 0; i < pools.size(); ++i) {
    if (loads[i] != routing::kUnusable) room += pools[i]->room();
  }
  for (; queue.waiting() > 0 && room > queue.called(); --room) queue.place_freed();
}

std::shared_ptr<upstream::Pool> Worker::pool_of(const upstream::EndpointSite& site) {
  auto& pool = pools_[site.endpoint.get()];
  if (!pool) pool = std::make_shared<upstream::Pool>(loop_, index_, site.endpoint);
  return pool;
}

void Worker::configure_pools(View& view) {
  for (ServiceView& service : view.services) {
    for (VersionView& version : service.versions) {
      for (size_t i = 0; i < version.pools.size(); ++i) {
        version.pools[i]->configure(version.site->endpoints[i], version.site->timeouts.upstream_idle,
                                    version.site->numbers, &version.loads[i]);
      }
    }
  }
}

void Worker::retire_pools_unknown_to(const View& view) {
  std::set<const upstream::Pool*> known;
  for (const ServiceView& service : view.services) {
    for (const VersionView& version : service.versions) {
      for (const auto& pool : version.pools) known.insert(pool.get());
    }
  }
  for (auto& [endpoint, pool] : pools_) {
    if (!known.contains(pool.get())) pool->retire();
  }
}

std::string_view Worker::date() {
  const int64_t now = std::time(nullptr);
  if (now != date_second_) {
    date_second_ = now;
    const std::time_t seconds = now;
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    date_size_ = std::strftime(date_.data(), date_.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  }
  return {date_.data(), date_size_};
}

}  // namespace weir::proxy
