// What can go wrong with an exchange, whose fault it is, and the one table that turns it into an
// answer (RFC 9110 §15, RFC 9209 for `Proxy-Status`).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace weir::http {

enum class Fault : uint8_t {
  none,
  // The client's request: nothing was asked of an endpoint, or the request never became whole.
  malformed_request,
  plain_text,  // to a port that speaks TLS
  ambiguous_framing,
  bad_version,
  method_refused,
  unknown_transfer_coding,
  head_timeout,
  body_timeout,
  target_too_long,
  head_too_large,
  body_too_large,
  client_gone,
  // Ours.
  no_service,
  no_endpoint,
  over_capacity,
  internal,
  // The endpoint's.
  connection_refused,
  connection_timeout,
  connection_failed,
  connection_terminated,
  response_timeout,
  response_incomplete,
  response_malformed,
  response_head_too_large,
  upgrade_failed,
  request_not_taken,
  answer_discarded,  // it said that it failed, and another try was due
  tls_certificate,
  tls_alert,
  tls_protocol,
};
inline constexpr size_t kFaults = static_cast<size_t>(Fault::tls_protocol) + 1;

enum class Whose : uint8_t { nobody, client, weir, endpoint };

/// A row of the table.
struct FaultInfo {
  uint16_t status;         // 0: no answer can be given
  std::string_view token;  // RFC 9209 §2.3, or an own one for what it does not name
  Whose whose;
};
const FaultInfo& info(Fault fault);

std::string_view reason_phrase(unsigned status);

/// The tokens by fault, in the order of the enumeration: labels of weir_errors_total.
std::span<const std::string_view> fault_tokens();

}  // namespace weir::http
