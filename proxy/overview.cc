#include "proxy/overview.h"

#include "proxy/metrics/summary.h"

namespace weir::proxy {

namespace {

void add_version(admin::View& view, const VersionSite& version) {
  const upstream::VersionStanding standing = version.health->standing();
  for (const upstream::EndpointSite& site : version.endpoints) {
    const upstream::EndpointStanding one = standing.of(*site.endpoint);
    int64_t connections = 0;
    for (const metrics::Gauge& worker : site.endpoint->connections) connections += worker.value();
    view.endpoints.push_back({.service = site.endpoint->service,
                              .version = site.endpoint->version,
                              .address = site.endpoint->name,
                              .up = one.absence == upstream::Absence::none,
                              .why = std::string(upstream::absence_text(one.absence)),
                              .for_another = one.for_another,
                              .ejections = one.ejections,
                              .connections = connections});
  }
  const metrics::VersionName& name = version.numbers->name();
  view.versions.push_back({name.service, name.version, standing.available, standing.panics, standing.back_in});
}

}  // namespace

admin::View overview(const Publication& publication, metrics::Registry& registry) {
  admin::View view{publication.snapshot, metrics::summarize(registry), {}};
  for (const ServiceSite& service : publication.services) {
    for (const VersionSite& version : service.versions) add_version(view, version);
  }
  return view;
}

}  // namespace weir::proxy
