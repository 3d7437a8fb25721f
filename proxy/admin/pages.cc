// What can be looked at: whether weir is well, its numbers, its services.
#include "proxy/admin/route.h"

namespace weir::admin {
namespace {

Response no_snapshot() { return problem(503, "no configuration is loaded yet"); }

}  // namespace

void healthz(const Asked&, const Answer& answer) { answer({200, "text/plain; charset=utf-8", "ok\n", {}}); }

void readyz(const Asked& asked, const Answer& answer) {
  if (asked.sources.ready()) return answer({200, "text/plain; charset=utf-8", "ready\n", {}});
  answer(problem(503, "weir is draining, or has not loaded its configuration yet"));
}

void metrics_page(const Asked& asked, const Answer& answer) {
  answer({200, "text/plain; version=0.0.4; charset=utf-8", asked.sources.metrics_text(), {}});
}

void list_services(const Asked& asked, const Answer& answer) {
  const View view = asked.sources.services();
  if (!view.snapshot) return answer(no_snapshot());
  answer({200, "application/json", services_json(view), {}});
}

void show_service(const Asked& asked, const Answer& answer) {
  const View view = asked.sources.services();
  if (!view.snapshot) return answer(no_snapshot());
  auto body = service_json(view, asked.service);
  if (!body) return answer(problem(404, "there is no service of this name; GET /api/v1/services lists them"));
  answer({200, "application/json", std::move(*body), {}});
}

}  // namespace weir::admin
