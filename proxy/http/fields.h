// The fields of a message: which of them weir treats in some way, and the list in the order it came.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "routing/request_view.h"

namespace weir::http {

/// Fields that weir treats in some way; everything else passes.
enum class FieldId : uint8_t {
  other,
  cache_control,
  client_cert,  // Client-Cert and Client-Cert-Chain
  connection,
  content_length,
  date,
  expect,
  forwarded,
  host,
  http2_settings,
  keep_alive,
  max_forwards,
  proxy_connection,
  strict_transport_security,
  te,
  trailer,
  transfer_encoding,
  upgrade,
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_proto,
  x_real_ip,
  x_request_id,
  x_weir,  // X-Weir-* and whatever else a client may not set: X_Forwarded_For, say
};

/// Views into the parsed bytes (or `unfolded`).
struct Fields {
  std::vector<routing::Field> list;
  std::vector<FieldId> ids;          // parallel to `list`
  std::deque<std::string> unfolded;  // values of a response that came with obs-fold
  uint64_t present = 0;              // bit per FieldId
  void clear();
  void add(std::string_view name, std::string_view value, FieldId id) {
    list.push_back({name, value});
    ids.push_back(id);
    present |= uint64_t{1} << static_cast<unsigned>(id);
  }
  bool has(FieldId id) const { return present >> static_cast<unsigned>(id) & 1; }
  /// First value; empty where there is none.
  std::string_view value(FieldId id) const;
  /// Removes the field at `index`, keeping the order.
  void remove(size_t index);
};

/// By a field's name, a token, whatever its case.
FieldId field_id(std::string_view name);

/// Compares names of fields (ASCII, without case).
bool same_name(std::string_view a, std::string_view b);
/// And without telling `_` from `-`: CGI (RFC 3875 §4.1.18) and what came after it make one variable of both.
bool same_variable(std::string_view a, std::string_view b);
/// X-Weir-*, or what may be taken for it.
inline bool is_weirs_own(std::string_view name) {
  return name.size() > 7 && same_variable(name.substr(0, 7), "x-weir-");
}

}  // namespace weir::http
