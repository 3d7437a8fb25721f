// What the control thread hands to every worker: a snapshot with what serving it takes. Immutable.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proxy/evidence/tally.h"
#include "proxy/metrics/shard.h"
#include "proxy/net/tls_server.h"
#include "proxy/upstream/endpoint.h"
#include "proxy/upstream/health.h"
#include "proxy/upstream/queue.h"
#include "proxy/upstream/retry_budget.h"
#include "routing/snapshot.h"

namespace weir::evidence {
class Audience;
class Mailbox;
}  // namespace weir::evidence

namespace weir::proxy {

/// A version's time-outs with the file's filled in.
struct UpstreamTimeouts {
  std::chrono::milliseconds connect, response_head, response_body, upstream_idle;
};

/// What requests under way at a version should know; the same object while the version is there. Read on any thread.
struct UnderWay {
  std::atomic<uint32_t> tunnels_ended{0};  // grows when upgraded connections that began before are to end
  std::atomic<bool> closed{false};         // the version was rolled back after they began
};

/// What of a request's failing counts against its endpoint.
struct OutlierSigns {
  bool connect = false, reset = false, timeout = false, status_5xx = false;
};

struct VersionSite {
  std::vector<upstream::EndpointSite> endpoints;
  std::shared_ptr<upstream::Health> health;
  std::shared_ptr<upstream::Queue> queue;
  std::chrono::milliseconds queue_timeout{};  // 0: nobody waits
  OutlierSigns outlier;
  std::chrono::milliseconds slow_start{};
  config::Balance balance{};
  UpstreamTimeouts timeouts{};
  std::shared_ptr<metrics::VersionSeries> numbers;
  std::shared_ptr<UnderWay> under_way;
};

struct ServiceSite {
  std::shared_ptr<upstream::RetryBudget> retries;
  std::vector<VersionSite> versions;  // in the order of the snapshot's
  std::vector<std::shared_ptr<metrics::RuleSeries>> rules;
  std::shared_ptr<metrics::ServiceSeries> numbers;
  std::shared_ptr<evidence::Tally> rollout;      // what its judge counts; null: nothing climbs
  std::shared_ptr<evidence::Audience> audience;  // how many users there are; null: nobody asks
  std::shared_ptr<evidence::Mailbox> feedback;   // where users' ratings go; null: none are taken
};

/// A listener as configured; the sockets travel apart, each worker owns its own.
struct ListenerSite {
  uint64_t id = 0;  // the same while the address stays
  config::Listener config;
  std::string fallback_host;                  // its address, for requests without Host
  std::shared_ptr<const net::TlsServer> tls;  // null: plain HTTP
  std::string hsts;                           // a whole line for answers over TLS; empty: none
  std::shared_ptr<metrics::ListenerSeries> numbers;
};

struct Publication {
  std::shared_ptr<const routing::Snapshot> snapshot;
  std::vector<ServiceSite> services;  // in the order of the snapshot's
  std::vector<std::shared_ptr<const ListenerSite>> listeners;

  const config::Config& config() const { return *snapshot->config; }
};

}  // namespace weir::proxy
