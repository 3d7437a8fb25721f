// The course of one exchange: its steps, told by exchange.cc, and of these its tries, told by tries.cc.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/evidence/mailbox.h"
#include "proxy/exchange/admission.h"
#include "proxy/exchange/attempt.h"
#include "proxy/exchange/exchange.h"
#include "proxy/exchange/record.h"
#include "proxy/exchange/request_relay.h"
#include "proxy/exchange/response_relay.h"
#include "proxy/exchange/retry.h"
#include "proxy/exchange/tunnel.h"

namespace weir::proxy {

/// The state of one exchange. Its steps are told by `serve_request`; each of the `…ing` functions
/// moves what can be moved and says whether to wait for an event and come again.
class Exchange {
 public:
  Exchange(Worker& worker, Client& client, net::Nanos began)
      : worker_(worker), client_(client), view_(worker.view()), record_(worker, client, began) {}

  void begin(http::RequestHead& head, const Behind& behind);
  void refuse(http::Fault fault);
  bool hearing() { return rating_ != nullptr && hear(); }
  bool begin_try();
  bool queueing();
  bool connecting();
  bool relaying();
  bool tunnelling();
  bool answering();
  Outcome outcome() const { return outcome_; }
  auto event() { return client_.waiter.event(); }

 private:
  const UpstreamTimeouts& timeouts() const { return version_->site->timeouts; }
  void forward(http::RequestHead& head, const Behind& behind, const Admission& admission);
  void answer_readiness();
  void answer_options();
  void answer_redirect(const http::Target& target);
  void begin_rating(const http::RequestHead& head, const Admission& admission);
  bool hear();
  void take_rating();
  void answer_rating(unsigned status, std::string_view body, std::string lines = {});
  void keep_behind(const Behind& behind, size_t used);

  http::Fault take_endpoint();
  void stand_in_line();
  void start_try(http::Fault fault);
  void fail_try(http::Fault fault);
  void go_on(Again again, http::Fault fault);
  void move_to_stable();
  void settle(http::Fault fault);
  void answer(http::Fault fault, unsigned status, std::string_view body, std::string lines = {});
  void complete();
  void be_patient();
  void time_is_up();
  bool may_leave();
  Outcome::Next after_answer() const;

  Worker& worker_;
  Client& client_;
  const ViewRef view_;
  Record record_;
  std::string upgrade_;   // the protocol asked for; usually empty
  std::string lines_;     // of weir's own, for the response; usually empty
  size_t mint_size_ = 0;  // of these, the minted cookie's
  std::optional<RequestRelay> request_;
  std::optional<ResponseRelay> response_;
  Attempt attempt_;
  Retry retry_;
  std::optional<upstream::Ticket> ticket_;  // while it waits for an endpoint with room
  std::optional<Tunnel> tunnel_;
  std::unique_ptr<evidence::Rating> rating_;  // of a user's, while its words come
  ServiceView* service_ = nullptr;
  VersionView* version_ = nullptr;
  bool to_head_ = false;
  bool client_keeps_ = false;  // the client wishes another request on this connection
  bool client_is_10_ = false;
  unsigned interims_ = 0;
  bool settled_ = false;  // nothing more is tried
  bool asked_to_leave_ = false;
  std::string_view methods_;    // that weir's own answer names; empty: none
  uint32_t tunnels_ended_ = 0;  // when this one began
  enum class Phase : uint8_t { none, request, response_head, response_body } patient_in_ = Phase::none;
  Outcome outcome_;
};

}  // namespace weir::proxy
