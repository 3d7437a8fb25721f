// A version forced by whoever holds a signed token, to look at one before users get it (contract §3).
//
// It comes in the field X-Weir-Override or in the cookie weir_override, as `SERVICE:VERSION:UNTIL:MAC`: UNTIL in
// seconds since 1970 (UTC), MAC the HMAC-SHA256 (RFC 2104) of `weir-override-1:SERVICE:VERSION:UNTIL` in lower-case
// hex. Pure: the time is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/config.h"
#include "routing/reading.h"
#include "routing/snapshot.h"

namespace weir::routing {

inline constexpr std::string_view kOverrideField = "X-Weir-Override";
inline constexpr std::string_view kOverrideCookie = "weir_override";

/// A token for `version` of `service`, good before `until`.
std::string sign_override(std::string_view secret, std::string_view service, std::string_view version,
                          std::chrono::sys_seconds until);

/// Reads a secret: what is in the file, without the line's end. Too short or unreadable is a problem at `where`.
config::Result<std::string> read_override_secret(const std::string& path, const config::Where& where);

/// What is to be said of a token. All but `good` are as if it had not come.
enum class TokenIs : uint8_t {
  absent,
  good,
  malformed,
  for_another_service,
  of_no_version,
  expired,
  forged,
  for_the_closed
};

struct ReadToken {
  TokenIs is = TokenIs::absent;
  uint32_t version = 0;  // index, if good
  std::chrono::sys_seconds until{};
};

/// The signature is compared in constant time; it is computed only for what says to be good. No allocation of ours.
ReadToken read_token(const ServicePlan& service, std::string_view token, std::chrono::sys_seconds now);

struct Override {
  ReadToken token;
  std::string_view from;  // kOverrideField or kOverrideCookie; empty where neither is there
};

/// Of the field and the cookie the first that is good; if none is, what is wrong with the first that is there.
/// Absent for a service without a secret.
Override find_override(const ServicePlan& service, const Reading& reading);

}  // namespace weir::routing
