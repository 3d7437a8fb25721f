// Configuration -> snapshot: what a reload costs before it is published.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "routing/snapshot.h"

namespace weir::routing {
namespace {

config::Service service(int i) {
  config::Service service;
  const std::string number = std::to_string(i);
  service.name = "service-" + number;
  service.match.push_back({"host-" + number + ".example", "/", {}});
  service.cohort.keys.push_back({config::CohortKey::Kind::cookie, "uid"});
  service.stable = "old";
  for (const char* name : {"old", "new"}) {
    config::Version& version = service.versions.emplace_back();
    version.name = name;
    version.endpoints.resize(2);
  }
  config::Rule& staff = service.rules.emplace_back();
  staff.when.headers.push_back({"X-Staff", {config::ValueTest::Kind::exact, "1", true, {}}});
  staff.send = "new";
  config::Rule& office = service.rules.emplace_back();
  office.when.client_ip.push_back(*config::parse_cidr("192.0.2.0/24"));
  office.send = "new";
  config::Rule& bots = service.rules.emplace_back();
  bots.when.headers.push_back({"User-Agent", {config::ValueTest::Kind::regex, "(?i)bot|crawler", true, {}}});
  bots.send = "old";
  service.split = config::Split{{{"new", config::Share{100'000}}}, {}};
  return service;
}

std::chrono::nanoseconds monotonic() { return std::chrono::steady_clock::now().time_since_epoch(); }

void compile_services(benchmark::State& state) {
  auto config = std::make_shared<config::Config>();
  for (int i = 0; i < state.range(0); ++i) config->services.push_back(service(i));
  for (auto _ : state) {
    auto compiled = compile(config, monotonic);
    benchmark::DoNotOptimize(compiled);
  }
}
BENCHMARK(compile_services)->ArgName("services")->Arg(10)->Arg(1000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weir::routing
