#include "proxy/standing.h"

#include <fmt/format.h>

namespace weir::proxy {

namespace {

constexpr size_t kServicesShown = 5;

std::string counted(size_t count, const char* thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

std::string split_of(const routing::ServicePlan& plan) {
  return fmt::format("; {}: {} {}{}", plan.name, plan.versions[plan.candidate].name, config::share_text(plan.share),
                     plan.closed ? ", closed" : "");
}

}  // namespace

std::string standing(const Publication& publication, const std::string& trouble) {
  const auto& services = publication.snapshot->services;
  std::string line = fmt::format("Serving {} on {}", counted(services.size(), "service"),
                                 counted(publication.listeners.size(), "listener"));
  size_t shown = 0;
  for (const routing::ServicePlan& plan : services) {
    if (plan.has_candidate && shown++ < kServicesShown) line += split_of(plan);
  }
  if (shown > kServicesShown) line += fmt::format("; and {} more", shown - kServicesShown);
  if (!trouble.empty()) line += "; THE FILE DOES NOT LOAD, what was loaded before stays in force: " + trouble;
  return line;
}

}  // namespace weir::proxy
