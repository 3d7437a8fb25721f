#include "proxy/control/health_watch.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/json.hpp>
#include <utility>

#include "proxy/net/clock.h"

namespace weir::control {

namespace {

constexpr std::chrono::milliseconds kLook{100};

/// Endpoints with a probe, and those of candidates: one that fell has to be tried before it gets requests again.
std::vector<upstream::ProbeTarget> targets(const proxy::Publication& publication) {
  std::vector<upstream::ProbeTarget> targets;
  for (size_t i = 0; i < publication.services.size(); ++i) {
    const config::Service& service = publication.config().services[i];
    const auto candidate = service.candidate_index();
    for (size_t j = 0; j < service.versions.size(); ++j) {
      if (!service.versions[j].health && candidate != j) continue;
      const proxy::VersionSite& site = publication.services[i].versions[j];
      for (const upstream::EndpointSite& endpoint : site.endpoints) {
        targets.push_back({endpoint, site.health, service.versions[j].health, site.timeouts.connect});
      }
    }
  }
  return targets;
}

/// By the requests that ended.
void refill(const proxy::ServiceSite& service) {
  uint64_t requests = 0;
  for (const proxy::VersionSite& version : service.versions) {
    for (const metrics::VersionNumbers& shard : std::as_const(*version.numbers).shards()) {
      for (const auto& code_class : shard.requests) {
        for (const metrics::Counter& count : code_class) requests += count.value();
      }
    }
  }
  service.retries->refill(requests, std::chrono::duration_cast<std::chrono::milliseconds>(net::monotonic()));
}

double seconds(std::chrono::milliseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

void HealthWatch::adopt(std::shared_ptr<const proxy::Publication> publication) {
  publication_ = std::move(publication);
  prober_.watch(targets(*publication_));
}

void HealthWatch::begin() {
  look();
  timer_.expires_after(kLook);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) begin();
  });
}

void HealthWatch::stop() {
  timer_.cancel();
  prober_.stop();
}

void HealthWatch::look() {
  for (size_t i = 0; i < publication_->services.size(); ++i) {
    const routing::ServicePlan& plan = publication_->snapshot->services[i];
    refill(publication_->services[i]);
    for (size_t j = 0; j < plan.versions.size(); ++j) {
      upstream::Health& health = *publication_->services[i].versions[j].health;
      health.pass_time();
      const auto all_news = health.take_news();
      for (const upstream::HealthNews& news : all_news) tell(plan, j, news);
      if (!all_news.empty()) publication_->services[i].versions[j].queue->call_all();
    }
  }
}

void HealthWatch::tell(const routing::ServicePlan& service, size_t version, const upstream::HealthNews& news) {
  using What = upstream::HealthNews::What;
  const std::string& name = service.versions[version].name;
  const std::string& stable = service.versions[service.stable].name;
  boost::json::object event{{"service", service.name}, {"version", name}};
  const auto level = news.on == (news.what == What::endpoint) ? spdlog::level::info : spdlog::level::warn;
  switch (news.what) {
    case What::endpoint:
      event["endpoint"] = news.endpoint;
      event["up"] = news.on;
      if (!news.why.empty() && !news.on) event["why"] = news.why;
      spdlog::log(level, "{} {} {}: {}{}", service.name, name, news.endpoint,
                  news.on ? "healthy again, after: " + news.why : "not healthy: " + news.why,
                  news.time.count() > 0 ? fmt::format(" for {:g} s", seconds(news.time)) : "");
      break;
    case What::fallback:
      event["fallback"] = news.on;
      spdlog::log(level, "{} {}: {}", service.name, name,
                  news.on ? "without a healthy endpoint: its requests go to " + stable
                          : "its requests come back from " + stable);
      break;
    case What::panic:
      event["panic"] = news.on;
      spdlog::log(level, "{} {}: weir_panic {}", service.name, name,
                  news.on ? "on: no endpoint is healthy, all are used" : "off: an endpoint is healthy again");
      break;
  }
  feed_.tell({"health", boost::json::serialize(event)});
}

}  // namespace weir::control
