// One address of a version, as all workers know it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/metrics/counter.h"
#include "proxy/net/address.h"
#include "proxy/net/tls_client.h"

namespace weir::upstream {

class Queue;

/// Identity of an endpoint across snapshots: the same service, version and address stay the same
/// object, so that its connections survive a reload. Made by the control thread.
struct Endpoint {
  Endpoint(std::string service_name, std::string version_name, std::string address, size_t workers)
      : service(std::move(service_name)),
        version(std::move(version_name)),
        name(std::move(address)),
        connections(workers) {}

  const std::string service, version, name;  // name: the address as written
  std::vector<metrics::Gauge> connections;   // open, by worker

  // In a row, over all workers; looked at by every answer, written by those that fail. See health.h.
  alignas(64) std::atomic<uint32_t> failures{0};  // requests that count against it
  std::atomic<uint32_t> unreached{0};             // connects

  /// Exchanges under way on it, over all workers; kept only while max_connections is set.
  alignas(64) std::atomic<uint64_t> in_use{0};
};

/// An endpoint as one publication sees it.
struct EndpointSite {
  std::shared_ptr<Endpoint> endpoint;
  std::vector<net::SocketAddress> addresses;  // what its name resolves to now; empty: down
  uint64_t max_connections = 0;               // 0: no limit
  std::shared_ptr<Queue> queue = nullptr;     // of the version: who waits for a place
  std::string host;                           // its name or address as written; empty: a unix socket
  std::shared_ptr<const net::TlsClient> tls;  // null: plain HTTP
};

}  // namespace weir::upstream
