#include "proxy/http/fault.h"

#include <array>

namespace weir::http {

namespace {

constexpr std::array<FaultInfo, kFaults> kTable{{
    {0, "", Whose::nobody},                                       // none
    {400, "http_request_error", Whose::client},                   // malformed_request
    {400, "http_request_error", Whose::client},                   // plain_text
    {400, "http_request_error", Whose::client},                   // ambiguous_framing
    {505, "http_request_error", Whose::client},                   // bad_version
    {405, "http_request_denied", Whose::client},                  // method_refused
    {501, "http_request_error", Whose::client},                   // unknown_transfer_coding
    {408, "http_request_error", Whose::client},                   // head_timeout
    {408, "http_request_error", Whose::client},                   // body_timeout
    {414, "http_request_error", Whose::client},                   // target_too_long
    {431, "http_request_error", Whose::client},                   // head_too_large
    {413, "http_request_error", Whose::client},                   // body_too_large
    {0, "client_gone", Whose::client},                            // client_gone
    {404, "destination_not_found", Whose::weir},                  // no_service
    {503, "destination_unavailable", Whose::weir},                // no_endpoint
    {503, "connection_limit_reached", Whose::weir},               // over_capacity
    {500, "proxy_internal_error", Whose::weir},                   // internal
    {502, "connection_refused", Whose::endpoint},                 // connection_refused
    {504, "connection_timeout", Whose::endpoint},                 // connection_timeout
    {502, "destination_ip_unroutable", Whose::endpoint},          // connection_failed
    {502, "connection_terminated", Whose::endpoint},              // connection_terminated
    {504, "http_response_timeout", Whose::endpoint},              // response_timeout
    {502, "http_response_incomplete", Whose::endpoint},           // response_incomplete
    {502, "http_protocol_error", Whose::endpoint},                // response_malformed
    {502, "http_response_header_section_size", Whose::endpoint},  // response_head_too_large
    {502, "http_upgrade_failed", Whose::endpoint},                // upgrade_failed
    {504, "connection_write_timeout", Whose::endpoint},           // request_not_taken
    {502, "http_response_status", Whose::endpoint},               // answer_discarded
    {502, "tls_certificate_error", Whose::endpoint},              // tls_certificate
    {502, "tls_alert_received", Whose::endpoint},                 // tls_alert
    {502, "tls_protocol_error", Whose::endpoint},                 // tls_protocol
}};

constexpr auto kTokens = [] {
  std::array<std::string_view, kFaults> tokens;
  for (size_t i = 0; i < kFaults; ++i) tokens[i] = kTable[i].token;
  return tokens;
}();

}  // namespace

const FaultInfo& info(Fault fault) { return kTable[static_cast<size_t>(fault)]; }

std::span<const std::string_view> fault_tokens() { return kTokens; }

std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

}  // namespace weir::http
