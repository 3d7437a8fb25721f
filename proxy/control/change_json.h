// A change as JSON, one way and back: for the journal, for events and for the API's history.
#pragma once

#include <boost/json.hpp>

#include "proxy/control/operator.h"

namespace weir::control {

/// `{"old":"75%","new":"25%"}`, in the order given.
boost::json::object shares_json(const Shares& shares);
/// Nothing if a share is none.
std::optional<Shares> shares_of(const boost::json::value& json);

/// `{"service","revision","at","actor","from","by","kind","before":{…},"after":{…},"closed_before",
/// "closed_after","reason"}`; `at` is UTC with microseconds (RFC 3339).
boost::json::object change_json(const Change& change);
/// Nothing if something is missing or makes no sense.
std::optional<Change> change_of(const boost::json::value& json);

/// RFC 3339 in UTC with microseconds.
std::string time_text(std::chrono::system_clock::time_point at);

}  // namespace weir::control
