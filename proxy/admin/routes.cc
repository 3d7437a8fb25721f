#include "proxy/admin/routes.h"

#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <string_view>

namespace weir::admin {
namespace {

/// A target in its parts (RFC 9112 §3.2); the query means nothing to any route so far.
struct Target {
  std::optional<std::string_view> authority;  // of an absolute-form
  std::string_view path;
};

std::optional<Target> parse_target(std::string_view text) {
  Target target;
  constexpr std::string_view kScheme = "http://";
  if (text.starts_with(kScheme)) {
    text.remove_prefix(kScheme.size());
    const size_t end = std::min(text.find_first_of("/?"), text.size());
    target.authority = text.substr(0, end);
    text.remove_prefix(end);
    if (!text.starts_with('/')) text = "/";
  }
  if (!text.starts_with('/')) return std::nullopt;
  target.path = text.substr(0, text.find('?'));
  return target;
}

std::optional<std::string> decode(std::string_view segment) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string text;
  for (size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] != '%') {
      text += segment[i];
      continue;
    }
    if (i + 2 >= segment.size()) return std::nullopt;
    const int high = digit(segment[i + 1]), low = digit(segment[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    text += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return text;
}

Response healthz(const Sources&, const std::string&) { return {200, "text/plain; charset=utf-8", "ok\n", {}}; }

Response readyz(const Sources& sources, const std::string&) {
  if (!sources.ready()) return problem(503, "weir is draining, or has not loaded its configuration yet");
  return {200, "text/plain; charset=utf-8", "ready\n", {}};
}

Response metrics(const Sources& sources, const std::string&) {
  return {200, "text/plain; version=0.0.4; charset=utf-8", sources.metrics_text(), {}};
}

Response no_snapshot() { return problem(503, "no configuration is loaded yet"); }

Response services(const Sources& sources, const std::string&) {
  const View view = sources.services();
  if (!view.snapshot) return no_snapshot();
  return {200, "application/json", services_json(view), {}};
}

Response service(const Sources& sources, const std::string& name) {
  const View view = sources.services();
  if (!view.snapshot) return no_snapshot();
  auto body = service_json(view, name);
  if (!body) return problem(404, "there is no service of this name; GET /api/v1/services lists them");
  return {200, "application/json", std::move(*body), {}};
}

Response not_built_yet(const Sources&, const std::string&) {
  return problem(501, "not built yet in this version of weir");
}

struct Route {
  std::string_view path;  // `{}` stands for one segment
  std::string_view allow;
  bool open;  // needs no token
  Response (*answer)(const Sources&, const std::string& segment);
};

constexpr std::string_view kGet = "GET, HEAD";
constexpr std::array kRoutes{
    Route{"/healthz", kGet, true, healthz},
    Route{"/readyz", kGet, true, readyz},
    Route{"/metrics", kGet, true, metrics},
    Route{"/api/v1/services", kGet, false, services},
    Route{"/api/v1/services/{}", kGet, false, service},
    Route{"/api/v1/services/{}/split", "GET, HEAD, PUT", false, not_built_yet},
    Route{"/api/v1/services/{}/rollback", "POST", false, not_built_yet},
    Route{"/api/v1/services/{}/reopen", "POST", false, not_built_yet},
    Route{"/api/v1/explain", "POST", false, not_built_yet},
    Route{"/api/v1/history", kGet, false, not_built_yet},
    Route{"/api/v1/events", kGet, false, not_built_yet},
    Route{"/-/reload", "POST", false, not_built_yet},
    Route{"/-/drain", "POST", false, not_built_yet},
};

/// The segment that stands for `{}` ("" where the pattern has none); nothing if the path does not fit.
std::optional<std::string_view> fit(std::string_view pattern, std::string_view path) {
  const size_t hole = pattern.find("{}");
  if (hole == std::string_view::npos) return pattern == path ? std::optional<std::string_view>("") : std::nullopt;
  const std::string_view before = pattern.substr(0, hole), after = pattern.substr(hole + 2);
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after)) {
    return std::nullopt;
  }
  const std::string_view segment = path.substr(before.size(), path.size() - before.size() - after.size());
  if (segment.find('/') != std::string_view::npos) return std::nullopt;
  return segment;
}

struct Found {
  const Route* route;
  std::string segment;
};

std::optional<Found> find_route(std::string_view path) {
  for (const Route& route : kRoutes) {
    const auto segment = fit(route.path, path);
    if (!segment) continue;
    auto decoded = decode(*segment);
    if (!decoded) return std::nullopt;
    return Found{&route, std::move(*decoded)};
  }
  return std::nullopt;
}

bool allows(std::string_view allow, std::string_view method) {
  for (size_t begin = 0; begin < allow.size();) {
    const size_t end = std::min(allow.find(", ", begin), allow.size());
    if (allow.substr(begin, end - begin) == method) return true;
    begin = end + 2;
  }
  return false;
}

Response answer_route(const Request& request, const Access& access, const Sources& sources) {
  const auto target = parse_target(request.target);
  if (!target) return problem(400, "the target must be a path");
  if (auto refusal = access.refuse_origin(request, target->authority)) return *refusal;
  const auto found = find_route(target->path);
  if (!found || !found->route->open) {
    if (auto refusal = access.refuse_token(request)) return *refusal;
  }
  if (!found) return problem(404, "there is nothing here; try /healthz, /readyz, /metrics, /api/v1/services");
  if (!allows(found->route->allow, request.method)) {
    Response response = problem(405, "this resource allows " + std::string(found->route->allow));
    response.fields.emplace_back("Allow", found->route->allow);
    return response;
  }
  return found->route->answer(sources, found->segment);
}

}  // namespace

Response answer(const Request& request, const Access& access, const Sources& sources) {
  try {
    return answer_route(request, access, sources);
  } catch (const std::exception& error) {
    return problem(500, error.what());
  }
}

}  // namespace weir::admin
