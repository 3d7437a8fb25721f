// One thread's world: loop, snapshot, pools, numbers. Everything here belongs to that thread,
// except what is said to be for any thread. A worker does not know who publishes to it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/log/access_log.h"
#include "proxy/metrics/registry.h"
#include "proxy/net/handshakes.h"
#include "proxy/net/loop.h"
#include "proxy/net/punctual.h"
#include "proxy/publication.h"
#include "proxy/upstream/pool.h"
#include "routing/decide.h"

namespace weir::proxy {

/// A version as one worker serves it.
struct VersionView {
  const VersionSite* site = nullptr;
  metrics::VersionNumbers* numbers = nullptr;
  std::vector<std::shared_ptr<upstream::Pool>> pools;  // parallel to the site's endpoints
  std::vector<uint32_t> loads;                         // exchanges under way, for the balancer
  uint32_t turn = 0;
  uint32_t health_seen = 0;                // changes of the health that `loads` go by
  bool warming = false;                    // some endpoints' parts still grow
  std::vector<upstream::Weighed> weighed;  // parallel to `pools`, as of `health_seen`

  /// Before an endpoint is chosen: `loads` go by the health as it is now.
  void look() {
    if (site->health->changes() != health_seen) [[unlikely]]
      look_again();
  }

  /// Who waits is called for each place that is free and that nobody has been called for.
  void call_waiting() const;

 private:
  void look_again();
};

struct ServiceView {
  const routing::ServicePlan* plan = nullptr;
  const ServiceSite* site = nullptr;
  const config::Service* config = nullptr;
  metrics::ServiceNumbers* numbers = nullptr;
  std::vector<metrics::RuleNumbers*> rules;
  std::vector<VersionView> versions;
};

/// A publication with this worker's pools and shards at hand. Lives while a request that began
/// with it does: counted by the worker alone, so that workers share no counter.
class View {
 public:
  std::shared_ptr<const Publication> publication;
  std::vector<ServiceView> services;

  const config::Config& config() const { return publication->config(); }

 private:
  friend class ViewRef;
  uint32_t references_ = 0;
};

class ViewRef {
 public:
  ViewRef() = default;
  explicit ViewRef(View* view) : view_(view) { ++view_->references_; }
  ViewRef(const ViewRef& other) : view_(other.view_) {
    if (view_) ++view_->references_;
  }
  ViewRef(ViewRef&& other) noexcept : view_(std::exchange(other.view_, nullptr)) {}
  ViewRef& operator=(ViewRef other) noexcept {
    std::swap(view_, other.view_);
    return *this;
  }
  ~ViewRef() {
    if (view_ && --view_->references_ == 0) delete view_;
  }
  View* operator->() const { return view_; }
  View& operator*() const { return *view_; }
  explicit operator bool() const { return view_ != nullptr; }

 private:
  View* view_ = nullptr;
};

/// Chance, as routing takes it: a fast generator, and bits of the kernel's for identities.
class Dice {
 public:
  Dice();
  uint64_t roll();
  /// Not drawn again until `used`.
  routing::Chance chance();
  void identity_used();
  /// 32 hex digits, for X-Request-Id.
  void request_id(std::span<char, 32> out);

 private:
  void draw_identities();
  std::array<uint64_t, 2> state_{};
  std::array<uint64_t, 64> identities_{};  // of getrandom(2)
  size_t next_identity_ = 0;
};

class Worker {
 public:
  Worker(size_t index, metrics::Registry& registry, log::AccessLog& access_log);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  net::Loop& loop() { return loop_; }
  net::Punctual& punctual() { return punctual_; }
  size_t index() const { return index_; }

  /// Called once a tick beside the worker's own upkeep.
  void on_tick(std::function<void()> task) { upkeep_ = std::move(task); }

  /// The loop is about to end: what was gathered is handed over.
  void finish();

  /// From here on every request that begins is decided by this one.
  void adopt(std::shared_ptr<const Publication> publication);
  ViewRef view() const { return view_; }

  /// Requests under way finish with `Connection: close`, idle connections end.
  void begin_draining() { draining_ = true; }
  bool draining() const { return draining_; }

  /// The thread's receive buffer: what is in it must be used or copied before anything is awaited.
  std::span<char> input() { return {input_.get(), kInput}; }
  static constexpr size_t kInput = 256 * 1024;
  /// How much of a body is read at once, and so the most that waits for a slow receiver.
  static constexpr size_t kBodyPiece = 64 * 1024;

  /// `Date` (RFC 9110 §6.6.1), made anew once a second.
  std::string_view date();
  Dice& dice() { return dice_; }
  log::LineBuffer& access_log() { return access_log_; }
  net::Handshakes& handshakes() { return handshakes_; }
  metrics::WorkerNumbers& numbers() { return numbers_; }

 private:
  ServiceView view_of(const Publication& publication, size_t service);
  VersionView view_of(const VersionSite& site);
  std::shared_ptr<upstream::Pool> pool_of(const upstream::EndpointSite& site);
  void configure_pools(View& view);
  void retire_pools_unknown_to(const View& view);
  void tick();

  const size_t index_;
  net::Loop loop_;
  net::Punctual punctual_{loop_};
  net::Handshakes handshakes_;
  metrics::WorkerNumbers& numbers_;
  log::LineBuffer access_log_;
  Dice dice_;
  std::unique_ptr<char[]> input_;
  std::map<const upstream::Endpoint*, std::shared_ptr<upstream::Pool>> pools_;
  ViewRef view_;
  std::function<void()> upkeep_;
  std::array<char, 32> date_{};
  size_t date_size_ = 0;
  int64_t date_second_ = -1;
  bool draining_ = false;
};

}  // namespace weir::proxy
