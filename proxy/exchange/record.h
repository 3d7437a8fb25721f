// What an exchange leaves behind: counters, histograms, a line in the access log.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/exchange/client.h"
#include "proxy/exchange/witness.h"
#include "proxy/http/fault.h"
#include "proxy/http/head.h"
#include "proxy/http/target.h"
#include "proxy/net/clock.h"
#include "proxy/worker.h"

namespace weir::proxy {

/// Indices of `weir_requests_total{code_class}`: status / 100, 0 for `none`.
inline constexpr unsigned kNoStatus = 0;

/// Statuses that a listener's rejected requests are counted under, in the order of the registry.
inline constexpr std::array<unsigned, 14> kRejectedCodes{0,   200, 308, 400, 404, 405, 408,
                                                         413, 414, 431, 500, 501, 503, 505};

/// Index into the names of `weir_upstream_retries_total{result}`.
enum class RetryResult : uint8_t { ok, failed, exhausted };

class Record {
 public:
  Record(Worker& worker, const Client& client, net::Nanos began)
      : worker_(worker), client_(client), began_(began), client_ip_(client.peer), witness_(worker) {}
  ~Record();
  Record(const Record&) = delete;
  Record& operator=(const Record&) = delete;

  /// Keeps what the log will say of the request; copies nothing where there is no log.
  void note_request(const http::RequestHead& head, const http::Target& target);
  void note_request_id(std::string_view id);
  void note_client(const config::IpAddress& ip) { client_ip_ = ip; }

  /// From here on the request belongs to a service and version.
  void decided(const ServiceView& service, const routing::Decision& decision);

  void try_begins(const upstream::Endpoint& endpoint);
  /// A failed try counts under the version that failed.
  void try_failed(http::Fault fault);
  void request_sent() {
    sent_ = net::monotonic();
    witness_.request_sent(sent_);
  }
  void response_head(unsigned status);
  /// Another try follows; how it ends counts under the version that made it necessary.
  void tries_again() { retry_of_ = version_numbers(); }
  /// How another try ended, if there was one.
  void retried(bool well);
  /// Another try would have followed, had there been budget.
  void retry_refused();
  /// From here on the request is this version's: the one that was decided could not serve it.
  void moved_to(uint32_t version);
  const routing::Decision& decision() const { return decision_; }

  void request_bytes(uint64_t bytes);
  void response_bytes(uint64_t bytes);

  /// Counts the request, once: before its last byte is sent. kNoStatus: the client saw no response.
  void count(unsigned status);
  void fault(http::Fault fault) {
    fault_ = fault;
    ended_by_endpoint_ = http::info(fault).whose == http::Whose::endpoint;
  }
  /// Neither counted nor logged: a load balancer's probe.
  void uncounted() { counted_ = silent_ = true; }
  /// Logged, but counted for no version and no listener: weir itself is asked, by a user of this version.
  void own_answer(const ServiceView& service, const routing::Decision& decision) {
    service_ = &service;
    decision_ = decision;
    own_ = true;
  }
  unsigned tries() const { return tries_; }

 private:
  metrics::VersionNumbers* version_numbers() const;
  void write_log_line();

  Worker& worker_;
  const Client& client_;
  const net::Nanos began_;
  config::IpAddress client_ip_;
  net::Nanos sent_{}, upstream_took_{}, took_{};
  const ServiceView* service_ = nullptr;
  routing::Decision decision_;
  metrics::VersionNumbers* retry_of_ = nullptr;  // of the version that failed, while another try is made
  const upstream::Endpoint* endpoint_ = nullptr;
  http::Fault fault_ = http::Fault::none;
  unsigned status_ = kNoStatus;
  unsigned tries_ = 0;
  unsigned minor_ = 1;
  uint64_t bytes_in_ = 0, bytes_out_ = 0;
  bool counted_ = false;
  bool in_flight_ = false;
  bool silent_ = false;
  bool own_ = false;
  bool ended_by_endpoint_ = false;  // its fault ended the exchange
  Witness witness_;
  // Text for the log, copied only if there is one: method, host, path, referer, agent, id in one block.
  net::Bytes text_;
  struct Piece {
    uint16_t at = 0, size = 0;
  };
  Piece method_, host_, path_, referer_, agent_, id_;
  Piece keep(std::string_view text);
  std::string_view piece(Piece piece) const { return text_.view().substr(piece.at, piece.size); }
};

}  // namespace weir::proxy
