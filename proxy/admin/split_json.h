// A split and what became of a wish to change it, as the API tells them. Pure.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <string>

#include "proxy/admin/message.h"
#include "proxy/control/operator.h"

namespace weir::admin {

/// `{"service","revision","shares","closed","in_file","differs_from_file","last"}`; `last` is a change
/// of the history, or null.
boost::json::object split_json(const control::SplitInForce& split);

unsigned status_of(control::Refusal refusal);

/// Strong, the revision in quotes (RFC 9110 §8.8.3).
std::string etag(uint64_t revision);

/// The split with its ETag.
Response split_answer(const control::SplitInForce& split);

/// The split after it, with "changed", "dry_run", "remembered", "workers", "pending_workers",
/// "took_seconds", "effect" (with its warnings) and perhaps "detail" beside: 200, or 202 while workers are behind. Or
/// the problem.
Response outcome_answer(const control::Outcome& outcome, bool dry_run);

}  // namespace weir::admin
