// Who may ask the admin API: the token, or a certificate in its place, and the two checks against DNS rebinding
// (contract §5).
//
// Pure, but for reading the token file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/problem.h"
#include "proxy/admin/message.h"

namespace weir::admin {

/// The host of `host[:port]` in lower case, without brackets and trailing dot; nothing if that is malformed.
std::optional<std::string> host_of(std::string_view authority);

/// Reads `admin.token_file`, without the line's end; "" where none is given. An unreadable or empty
/// file is a problem: an API that was meant to be guarded must not stand open.
config::Result<std::string> read_token(const config::Admin& admin);

class Access {
 public:
  /// `token`: empty lets everybody in, unless `admin.tls` has a client_ca.
  Access(const config::Admin& admin, std::string token);

  /// Checks `Host` (or the authority of an absolute-form target, which replaces it, RFC 9112 §3.2.2)
  /// and `Origin`. The refusal (400, 403), or nothing.
  std::optional<Response> refuse_origin(const Request& request, std::optional<std::string_view> authority) const;

  /// Asks for a certificate, or for the token as `Authorization: Bearer`, which is checked in a time that does not
  /// depend on where it differs. 401 where there is a token, 403 where there is none, or nothing.
  std::optional<Response> refuse_stranger(const Request& request) const;

 private:
  std::vector<std::string> names_;  // accepted in Host; IP literals always are
  std::string token_;
  bool certificates_ = false;  // somebody signs them
};

}  // namespace weir::admin
