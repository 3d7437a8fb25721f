#include "proxy/admin/routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <memory>

#include "proxy/admin/strict_json.h"

namespace weir::admin {
namespace {

enum class Needs : uint8_t {
  nothing,  // open to everybody whose Host is right
  token,
  control,  // the token, and an operator
};

struct Route {
  std::string_view method;  // GET answers HEAD too
  std::string_view path;    // `{service}` stands for one segment
  Needs needs;
  void (*answer)(const Asked&, const Answer&);
};

constexpr std::string_view kHole = "{service}";
constexpr std::array kRoutes{
    Route{"GET", "/healthz", Needs::nothing, healthz},
    Route{"GET", "/readyz", Needs::nothing, readyz},
    Route{"GET", "/metrics", Needs::nothing, metrics_page},
    Route{"GET", "/api/v1/services", Needs::token, list_services},
    Route{"GET", "/api/v1/services/{service}", Needs::token, show_service},
    Route{"GET", "/api/v1/services/{service}/split", Needs::control, show_split},
    Route{"PUT", "/api/v1/services/{service}/split", Needs::control, put_split},
    Route{"POST", "/api/v1/services/{service}/rollback", Needs::control, roll_back},
    Route{"POST", "/api/v1/services/{service}/reopen", Needs::control, reopen},
    Route{"POST", "/api/v1/services/{service}/revert", Needs::control, revert},
    Route{"GET", "/api/v1/services/{service}/rollout", Needs::control, show_rollout},
    Route{"POST", "/api/v1/services/{service}/rollout", Needs::control, tell_rollout},
    Route{"GET", "/api/v1/services/{service}/feedback", Needs::control, show_feedback},
    Route{"POST", "/api/v1/explain", Needs::token, explain},
    Route{"GET", "/api/v1/history", Needs::control, history},
    Route{"GET", "/api/v1/events", Needs::control, events},
    Route{"POST", "/-/reload", Needs::control, reload},
    Route{"POST", "/-/drain", Needs::control, drain},
    Route{"POST", "/-/upgrade", Needs::control, upgrade},
};

/// The segment that stands for the hole ("" where the pattern has none); nothing if the path does not fit.
std::optional<std::string_view> fit(std::string_view pattern, std::string_view path) {
  const size_t hole = pattern.find(kHole);
  if (hole == std::string_view::npos) return pattern == path ? std::optional<std::string_view>("") : std::nullopt;
  const std::string_view before = pattern.substr(0, hole), after = pattern.substr(hole + kHole.size());
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after)) {
    return std::nullopt;
  }
  const std::string_view segment = path.substr(before.size(), path.size() - before.size() - after.size());
  if (segment.find('/') != std::string_view::npos) return std::nullopt;
  return segment;
}

/// The routes of a path, one a method, and the service that it names.
struct Found {
  std::vector<const Route*> routes;
  std::string service;
};

std::optional<Found> find_routes(std::string_view path) {
  Found found;
  for (const Route& route : kRoutes) {
    const auto segment = fit(route.path, path);
    if (!segment) continue;
    auto decoded = decode(*segment);
    if (!decoded) return std::nullopt;
    found.service = std::move(*decoded);
    found.routes.push_back(&route);
  }
  if (found.routes.empty()) return std::nullopt;
  return found;
}

const Route* route_for(const Found& found, std::string_view method) {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  const auto at =
      std::find_if(found.routes.begin(), found.routes.end(), [&](const Route* r) { return r->method == wanted; });
  return at == found.routes.end() ? nullptr : *at;
}

Response wrong_method(const Found& found) {
  std::vector<std::string_view> allowed;
  for (const Route* route : found.routes) {
    allowed.push_back(route->method);
    if (route->method == "GET") allowed.push_back("HEAD");
  }
  const std::string allow = fmt::format("{}", fmt::join(allowed, ", "));
  Response response = problem(405, "this resource allows " + allow);
  response.fields.emplace_back("Allow", allow);
  return response;
}

/// Before the first snapshot, too.
bool is_answered_always(const Route& route) { return route.answer == healthz || route.answer == readyz; }

Response begins_yet() {
  Response response = problem(503, "weir is starting and has no configuration in force yet; ask again");
  response.fields.emplace_back("Retry-After", "1");
  return response;
}

Response nothing_here() {
  return problem(404, "there is nothing here; try /healthz, /readyz, /metrics, /api/v1/services, /api/v1/history");
}

void answer_route(const Request& request, const Access& access, const Sources& sources, const Answer& done) {
  const auto target = parse_target(request.target);
  if (!target) return done(problem(400, "the target must be a path"));
  if (const auto refusal = access.refuse_origin(request, target->authority)) return done(*refusal);
  const auto found = find_routes(target->path);
  if (!found || found->routes.front()->needs != Needs::nothing) {
    if (const auto refusal = access.refuse_stranger(request)) return done(*refusal);
  }
  if (!found) return done(nothing_here());
  const Route* route = route_for(*found, request.method);
  if (route == nullptr) return done(wrong_method(*found));
  if (sources.begun && !sources.begun() && !is_answered_always(*route)) return done(begins_yet());
  auto parameters = parse_query(target->query);
  if (!parameters) return done(problem(400, "the query is not percent-encoded well"));
  if (route->needs == Needs::control && sources.control == nullptr) {
    return done(problem(503, "this weir cannot be changed while it runs"));
  }
  route->answer({request, sources, found->service, std::move(*parameters)}, done);
}

}  // namespace

std::optional<Response> refuse_parameters(const Asked& asked, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : asked.parameters) {
    const std::string field = is_printable(name) ? name : "";
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return problem(400, "this resource has no such parameter", field);
    }
    const auto same = [&name = name](const auto& other) { return other.first == name; };
    if (std::count_if(asked.parameters.begin(), asked.parameters.end(), same) > 1) {
      return problem(400, "the parameter stands more than once", field);
    }
  }
  return std::nullopt;
}

std::optional<std::string> parameter(const Asked& asked, std::string_view name) {
  for (const auto& [other, value] : asked.parameters) {
    if (other == name) return value;
  }
  return std::nullopt;
}

void answer(const Request& request, const Access& access, const Sources& sources, const Answer& done) {
  // A route that answered and threw afterwards is not answered twice.
  const auto answered = std::make_shared<bool>(false);
  const Answer once = [done, answered](Response response) {
    if (!std::exchange(*answered, true)) done(std::move(response));
  };
  try {
    answer_route(request, access, sources, once);
  } catch (const std::exception& error) {
    once(problem(500, error.what()));
  }
}

std::vector<std::string> route_names() {
  std::vector<std::string> names;
  for (const Route& route : kRoutes) names.push_back(fmt::format("{} {}", route.method, route.path));
  return names;
}

}  // namespace weir::admin
