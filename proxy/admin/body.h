// The body of a change, read strictly: nothing that is not understood is passed over. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/admin/message.h"
#include "proxy/control/operator.h"

namespace weir::admin {

/// Read key by key; the first thing wrong is kept, and what is read after it means nothing.
/// 400: not one reading as JSON. 422: JSON, but not what this resource takes.
class Body {
 public:
  /// `text` "" is `{}`; keys other than `known` are refused.
  Body(std::string_view text, std::initializer_list<std::string_view> known);

  /// What to answer if something is wrong.
  const std::optional<Response>& refusal() const { return refusal_; }
  void refuse(std::string_view detail, std::string_view field);

  /// "" if absent.
  std::string text(std::string_view key);
  /// false if absent.
  bool flag(std::string_view key);
  /// Text that others will read: printable, at most 1000 bytes.
  std::string reason();
  /// `{"VERSION": "25%"}`, at least one.
  control::Shares shares();
  /// Whole seconds up to a day, as `30s`; nothing if absent.
  std::optional<std::chrono::seconds> patience(std::string_view key);
  /// Must be there; at least 1.
  uint64_t revision();
  /// A stage of a rollout, from 1; nothing if absent.
  std::optional<size_t> stage();
  /// `{"Name": "value" | ["value", …]}` or `["Name: value", …]`, as lines.
  std::vector<std::string> header_lines();

 private:
  const boost::json::value* find(std::string_view key) const;
  void add_headers(const boost::json::object& headers, std::vector<std::string>& lines);

  boost::json::object object_;
  std::optional<Response> refusal_;
};

}  // namespace weir::admin
