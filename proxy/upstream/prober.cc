#include "proxy/upstream/prober.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <random>

#include "proxy/http/head.h"
#include "proxy/net/alarm.h"
#include "proxy/net/bytes.h"
#include "proxy/net/stream.h"
#include "proxy/net/task.h"

namespace weir::upstream {

namespace {

constexpr std::chrono::milliseconds kTrial{1'000};  // between two connects to a candidate that fell
constexpr size_t kHeadLimit = 16 * 1024;

}  // namespace

/// The probes of one endpoint, one after the other. Prober's thread.
class Prober::Round {
 public:
  Round(net::Loop& loop, ProbeTarget target)
      : loop_(loop), waiter_(loop), alarm_(loop, waiter_), stream_(loop), target_(std::move(target)) {
    stream_.wake_with(&waiter_);
    frame_ = go_round();
    frame_.start();
  }
  ~Round() { frame_.destroy(); }

  /// What the next probe goes by.
  void update(const ProbeTarget& target) { target_ = target; }

 private:
  net::Detached go_round();
  net::Task<bool> probe(config::Health how);
  net::Task<bool> connects(std::chrono::milliseconds patience);
  bool wanted() const;
  std::chrono::milliseconds pause();
  bool passes(const config::Health& how, unsigned status) const;

  net::Loop& loop_;
  net::Waiter waiter_;
  net::Alarm alarm_;
  net::TlsMemory tls_memory_;
  net::Stream stream_;
  ProbeTarget target_;
  net::Bytes input_;
  http::ResponseHead head_;
  size_t next_address_ = 0;
  std::minstd_rand dice_{std::random_device{}()};
  net::Detached frame_;
};

net::Detached Prober::Round::go_round() {
  for (;;) {
    if (wanted()) {
      bool well = false;
      if (target_.probe) {
        auto asked = probe(*target_.probe);
        well = co_await asked;
        target_.health->probed(*target_.site.endpoint, well);
      } else {
        auto tried = connects(target_.connect);
        well = co_await tried;
        if (well) target_.health->reached(*target_.site.endpoint);
      }
      stream_.close();
      input_.clear();
    }
    alarm_.ring_in(pause());
    while (!alarm_.rang()) co_await waiter_.event();
  }
}

/// An endpoint without an address is known to be away; without probes nothing is asked of one that gets requests.
bool Prober::Round::wanted() const {
  if (target_.site.addresses.empty()) return false;
  return target_.probe.has_value() || !target_.health->available();
}

/// Give or take a tenth, so that endpoints are not asked in step.
std::chrono::milliseconds Prober::Round::pause() {
  const auto interval = (target_.probe ? target_.probe->interval : kTrial).count();
  std::uniform_int_distribution<int64_t> spread(-interval / 10, interval / 10);
  return std::chrono::milliseconds(interval + spread(dice_));
}

net::Task<bool> Prober::Round::connects(std::chrono::milliseconds patience) {
  alarm_.ring_in(patience);
  const auto& addresses = target_.site.addresses;
  if (!stream_.connect(addresses[next_address_++ % addresses.size()])) co_return false;
  if (target_.site.tls) stream_.ask_tls(target_.site.tls, target_.site.host, tls_memory_);
  for (;;) {
    const net::Io io = stream_.connected();
    if (io.state != net::IoState::again) co_return io.state == net::IoState::ok;
    if (alarm_.rang()) co_return false;
    co_await waiter_.event();
  }
}

/// `how` is a copy: the target may be changed meanwhile.
net::Task<bool> Prober::Round::probe(config::Health how) {
  auto connected = connects(how.timeout);
  if (!co_await connected) co_return false;
  const std::string request = fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: weir\r\nAccept: */*\r\nConnection: close\r\n\r\n", how.path,
      how.host.empty() ? (target_.site.endpoint->name.starts_with("unix:") ? "localhost" : target_.site.endpoint->name)
                       : how.host);
  size_t written = 0;
  while (!alarm_.rang()) {
    if (written < request.size()) {
      const net::Io io = stream_.write(std::string_view(request).substr(written));
      if (io.state == net::IoState::ok) {
        written += io.size;
        continue;
      }
      if (io.state != net::IoState::again) co_return false;
    }
    const net::Io io = stream_.read(input_.room(4096));
    if (io.state == net::IoState::again) {
      co_await waiter_.event();
      continue;
    }
    if (io.state != net::IoState::ok) co_return false;
    input_.grow(io.size);
    for (;;) {
      const http::ParseResult parsed = http::parse_response(input_.view(), {.bytes = kHeadLimit}, head_);
      if (parsed.state == http::Parsed::refused || input_.size() > kHeadLimit) co_return false;
      if (parsed.state == http::Parsed::partial) break;
      if (head_.status >= 200) co_return passes(how, head_.status);
      input_.consume(parsed.size);
    }
  }
  co_return false;
}

bool Prober::Round::passes(const config::Health& how, unsigned status) const {
  return std::ranges::any_of(
      how.status, [&](const config::StatusRange& range) { return status >= range.first && status <= range.last; });
}

Prober::Prober() {
  thread_ = std::thread([this] { loop_.run(); });
  pthread_setname_np(thread_.native_handle(), "weir-prober");
}

Prober::~Prober() { stop(); }

void Prober::watch(std::vector<ProbeTarget> targets) {
  auto shared = std::make_shared<const std::vector<ProbeTarget>>(std::move(targets));
  loop_.post([this, shared] { adopt(*shared); });
}

void Prober::adopt(const std::vector<ProbeTarget>& targets) {
  std::map<const Endpoint*, std::unique_ptr<Round>> kept;
  for (const ProbeTarget& target : targets) {
    const Endpoint* const endpoint = target.site.endpoint.get();
    auto known = rounds_.extract(endpoint);
    if (known.empty()) {
      kept.emplace(endpoint, std::make_unique<Round>(loop_, target));
    } else {
      known.mapped()->update(target);
      kept.insert(std::move(known));
    }
  }
  rounds_ = std::move(kept);
}

void Prober::stop() {
  if (!thread_.joinable()) return;
  loop_.post([this] { rounds_.clear(); });
  loop_.stop();
  thread_.join();
}

}  // namespace weir::upstream
