// Whether a request that failed is tried again, and where (contract §3 and §7).
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "proxy/exchange/request_relay.h"
#include "proxy/exchange/response_relay.h"
#include "proxy/worker.h"

namespace weir::proxy {

/// How a try failed.
struct FailedTry {
  http::Fault fault = http::Fault::none;
  bool connected = false;  // else no byte can have been sent
  bool reused = false;     // on a kept connection
  bool got_any = false;    // some byte of a response
  bool began = false;      // something of a response went to the client
};

/// Where the next try goes.
enum class Again : uint8_t { no, here, on_stable };

/// One exchange's memory of its tries. Judges answers too: one that is discarded is never seen by the client.
class Retry final : public AnswerJudge {
 public:
  /// Before the first try.
  void begin(const ServiceView& service, uint32_t version, std::string_view method);
  /// A try begins.
  void next_try(const RequestRelay& request);
  /// It failed; spends of the service's budget where another one is made.
  Again after(const FailedTry& failed);
  /// It had no endpoint with room: only the other version can help.
  Again without_endpoint();
  /// It waits for an answer, and its version was closed: whether it goes to the other one now, as if it had come too
  /// late. Spends of the budget, so that `after` does not.
  bool leaves();
  /// The next tries are at this version.
  void moved(uint32_t version) { version_ = version; }

  /// Answers are judged at all.
  bool judges() const { return rules_ && !rules_->when.statuses.empty(); }
  bool discards(unsigned status) override;

  bool exhausted() override { return std::exchange(exhausted_, false); }

 private:
  bool left() const;
  bool wants(const FailedTry& failed) const;
  bool repeatable() const;
  Again where(bool unsent);
  bool spend();

  const ServiceView* service_ = nullptr;
  const config::Retry* rules_ = nullptr;  // null: the file says nothing
  const RequestRelay* request_ = nullptr;
  uint32_t version_ = 0;
  unsigned tries_ = 0;
  bool idempotent_ = false;
  bool safe_ = false;
  bool discarded_ = false;
  bool exhausted_ = false;
};

}  // namespace weir::proxy
