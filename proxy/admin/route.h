// What a route gets, and where its answer goes. The routes themselves, by the file that holds them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/admin/api.h"
#include "proxy/admin/message.h"
#include "proxy/admin/target.h"
#include "proxy/control/operator.h"

namespace weir::admin {

/// Where the answers come from. Called on the control thread, only while the Server lives; what one
/// throws becomes a 500.
struct Sources {
  std::function<bool()> ready;                // false while draining and before the first snapshot
  std::function<std::string()> metrics_text;  // the page for Prometheus
  std::function<View()> services;
  control::Operator* control = nullptr;  // null: nothing can be changed (503)
  std::function<bool()> begun = {};      // is there a snapshot? until then 503, but for health; empty: there is
};

/// Takes the answer; called once, at once or later, on the control thread.
using Answer = std::function<void(Response)>;

/// A request that got as far as its route. Valid while the route's function runs.
struct Asked {
  const Request& request;
  const Sources& sources;
  std::string service;  // of the path, decoded; "" where it has none
  Parameters parameters;

  control::Operator& control() const { return *sources.control; }
};

/// The first parameter that is not one of `known` or stands twice, as a refusal (400).
std::optional<Response> refuse_parameters(const Asked& asked, std::initializer_list<std::string_view> known);
/// The value of a parameter; nothing if absent.
std::optional<std::string> parameter(const Asked& asked, std::string_view name);

// pages.cc
void healthz(const Asked& asked, const Answer& answer);
void readyz(const Asked& asked, const Answer& answer);
void metrics_page(const Asked& asked, const Answer& answer);
void list_services(const Asked& asked, const Answer& answer);
void show_service(const Asked& asked, const Answer& answer);

// split_routes.cc
void show_split(const Asked& asked, const Answer& answer);
void put_split(const Asked& asked, const Answer& answer);
void roll_back(const Asked& asked, const Answer& answer);
void reopen(const Asked& asked, const Answer& answer);
void revert(const Asked& asked, const Answer& answer);

// rollout_routes.cc
void show_rollout(const Asked& asked, const Answer& answer);
void tell_rollout(const Asked& asked, const Answer& answer);

// feedback_route.cc
void show_feedback(const Asked& asked, const Answer& answer);

// record_routes.cc
void history(const Asked& asked, const Answer& answer);
void events(const Asked& asked, const Answer& answer);

// explain_route.cc
void explain(const Asked& asked, const Answer& answer);

// process_routes.cc
void reload(const Asked& asked, const Answer& answer);
void drain(const Asked& asked, const Answer& answer);
void upgrade(const Asked& asked, const Answer& answer);

}  // namespace weir::admin
