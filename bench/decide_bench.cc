// One decision beside 1 … 1,000 rules. First marks: 10 rules under 200 ns, 1,000 under 500 ns.
#include "routing/decide.h"

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

namespace weir::routing {
namespace {

config::Version version(std::string name, uint16_t port) {
  config::Version version;
  version.name = std::move(name);
  config::Endpoint endpoint;
  endpoint.address.host = "127.0.0.1";
  endpoint.address.port = port;
  version.endpoints.push_back(endpoint);
  return version;
}

config::NamedTest named(std::string name, config::ValueTest::Kind kind, std::string text) {
  return {std::move(name), {kind, std::move(text), true, {}}};
}

/// Of ten rules: three exact headers, one cookie, two path prefixes, one header prefix, two address blocks and
/// one regular expression (so 100 of 1,000).
config::Rule rule(int i) {
  using Kind = config::ValueTest::Kind;
  config::Rule rule;
  const std::string number = std::to_string(i);
  rule.name = "rule-" + number;
  rule.send = "new";
  switch (i % 10) {
    case 0:
      rule.when.headers.push_back(named("X-Staff", Kind::exact, "staff-" + number));
      break;
    case 1:
    case 2:
      rule.when.headers.push_back(named("X-Tenant", Kind::exact, "tenant-" + number));
      break;
    case 3:
      rule.when.cookies.push_back(named("plan", Kind::exact, "plan-" + number));
      break;
    case 4:
    case 5:
      rule.when.path_prefix = "/area-" + number;
      break;
    case 6:
      rule.when.headers.push_back(named("X-Build", Kind::prefix, "build-" + number + "."));
      break;
    case 7:
    case 8:
      rule.when.client_ip.push_back(
          *config::parse_cidr("10." + std::to_string(i % 250) + "." + std::to_string(i / 250) + ".0/24"));
      break;
    default:
      rule.when.headers.push_back(named("User-Agent", Kind::regex, "(?i)robot" + number + "[/ ]"));
      break;
  }
  return rule;
}

std::shared_ptr<Snapshot> snapshot_with(int rules) {
  config::Config config;
  config::Service& shop = config.services.emplace_back();
  shop.name = "shop";
  shop.cohort.keys.push_back({config::CohortKey::Kind::cookie, "uid"});
  shop.stable = "old";
  shop.versions = {version("old", 9001), version("new", 9002)};
  shop.split = config::Split{{{"new", config::Share{100'000}}}, {}};
  for (int i = 0; i < rules; ++i) shop.rules.push_back(rule(i));
  return compile(std::make_shared<const config::Config>(std::move(config)), Clock())->snapshot;
}

/// As a browser sends it; no rule matches, so every kind of rule is asked.
struct BrowserRequest {
  std::string tenant = "tenant-100000", path = "/products/4711";
  std::vector<Field> fields = {
      {"Host", "shop.example"},
      {"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120"},
      {"Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
      {"Accept-Language", "en-GB,en;q=0.5"},
      {"Accept-Encoding", "gzip, deflate, br"},
      {"Connection", "keep-alive"},
      {"Referer", "http://shop.example/products"},
      {"Cookie", "session=9f86d081884c7d65; plan=basic; uid=7f3a9c2e"},
      {"Sec-Fetch-Mode", "navigate"},
      {"X-Tenant", tenant},
      {"X-Build", "build-7"},
  };
  RequestView view() const {
    return {.method = "GET",
            .host = "shop.example",
            .path = path,
            .query = "page=2",
            .fields = fields,
            .client_ip = *config::parse_ip("192.0.2.7")};
  }
};

void decide(benchmark::State& state) {
  const auto snapshot = snapshot_with(static_cast<int>(state.range(0)));
  const BrowserRequest request;
  const RequestView view = request.view();
  for (auto _ : state) benchmark::DoNotOptimize(decide(snapshot->services[0], view, Availability{}, Chance{}));
}
BENCHMARK(decide)->ArgName("rules")->Arg(0)->Arg(1)->Arg(10)->Arg(100)->Arg(1000);

void decide_by_the_last_rule(benchmark::State& state) {
  const auto snapshot = snapshot_with(1000);
  BrowserRequest request;
  request.path = "/area-995/x";
  const RequestView view = request.view();
  for (auto _ : state) benchmark::DoNotOptimize(decide(snapshot->services[0], view, Availability{}, Chance{}));
}
BENCHMARK(decide_by_the_last_rule);

void find_service(benchmark::State& state) {
  config::Config config;
  for (int i = 0; i < state.range(0); ++i) {
    config::Service& service = config.services.emplace_back();
    service.name = "service-" + std::to_string(i);
    service.match.push_back({"host-" + std::to_string(i / 4) + ".example", "/part-" + std::to_string(i % 4), {}});
    service.versions = {version("only", 9001)};
    service.stable = "only";
  }
  const auto snapshot = compile(std::make_shared<const config::Config>(std::move(config)), Clock())->snapshot;
  RequestView view;
  view.host = "host-0.example:8080";
  view.path = "/part-0/products/4711";
  for (auto _ : state) benchmark::DoNotOptimize(find_service(*snapshot, view));
}
BENCHMARK(find_service)->ArgName("services")->Arg(1)->Arg(1000);

}  // namespace
}  // namespace weir::routing
