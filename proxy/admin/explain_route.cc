// Why a request would go where it goes, by the snapshot in force.
#include "routing/explain.h"

#include <boost/json.hpp>

#include "proxy/admin/body.h"
#include "proxy/admin/route.h"
#include "proxy/http/imagined_request.h"

namespace weir::admin {
namespace {

namespace json = boost::json;

http::Wish read_wish(Body& body) {
  http::Wish wish;
  const auto given = [&](std::string_view key, std::string& part) {
    if (std::string text = body.text(key); !text.empty()) part = std::move(text);
  };
  given("method", wish.method);
  given("url", wish.url);
  given("from", wish.from);
  given("listener", wish.listener);
  given("client_cert_subject", wish.client_cert_subject);
  given("client_cert_fingerprint", wish.client_cert_fingerprint);
  wish.headers = body.header_lines();
  return wish;
}

std::string_view name_of(http::Complaint::Part part) {
  switch (part) {
    case http::Complaint::Part::from:
      return "from";
    case http::Complaint::Part::method:
      return "method";
    case http::Complaint::Part::headers:
      return "headers";
    case http::Complaint::Part::client_cert_fingerprint:
      return "client_cert_fingerprint";
    case http::Complaint::Part::url:
      break;
  }
  return "url";
}

/// Which versions of the service that answers get their requests.
routing::Availability available_for(const View& view, const routing::RequestView& request) {
  routing::Availability available;
  const auto index = routing::find_service(*view.snapshot, request);
  if (!index) return available;
  const routing::ServicePlan& service = view.snapshot->services[*index];
  for (size_t i = 0; i < service.versions.size() && i < available.up.size(); ++i) {
    for (const VersionState& state : view.versions) {
      const bool is_its = state.service == service.name && state.version == service.versions[i].name;
      if (is_its) available.up[i] = state.available;
    }
  }
  return available;
}

Response explained(const View& view, const http::ImaginedRequest& request) {
  const routing::Availability available = available_for(view, request.view());
  const auto explanation = routing::explain(*view.snapshot, request.view(), available, http::throw_dice());
  json::object body = json::parse(explanation.json()).as_object();
  body["text"] = explanation.text();
  body["notes"] = json::array(request.notes().begin(), request.notes().end());
  return json_answer(200, body);
}

}  // namespace

void explain(const Asked& asked, const Answer& answer) {
  if (const auto refusal = refuse_parameters(asked, {})) return answer(*refusal);
  Body body(asked.request.body,
            {"method", "url", "headers", "from", "listener", "client_cert_subject", "client_cert_fingerprint"});
  const http::Wish wish = read_wish(body);
  if (body.refusal()) return answer(*body.refusal());
  if (const auto complaint = complaint_of(wish)) return answer(problem(422, complaint->what, name_of(complaint->part)));
  const View view = asked.sources.services();
  if (!view.snapshot) return answer(problem(503, "no configuration is loaded yet"));
  const config::Listener* listener = http::listener_of(*view.snapshot->config, wish.listener);
  if (listener == nullptr) return answer(problem(422, "there is no listener of this name", "listener"));
  const http::ImaginedRequest request(wish, *listener);
  answer(explained(view, request));
}

}  // namespace weir::admin
