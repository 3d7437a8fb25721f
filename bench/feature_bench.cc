// What each thing that weir does beside passing bytes on adds to a request. One benchmark a feature, with the code and
// as often as an exchange does it; bench/load/run prints them too.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/forward.h"
#include "proxy/http/framing.h"
#include "proxy/http/head.h"
#include "proxy/http/target.h"
#include "proxy/metrics/shard.h"
#include "proxy/net/bytes.h"
#include "proxy/net/clock.h"
#include "proxy/worker.h"
#include "routing/bucket.h"

namespace weir {
namespace {

constexpr http::HeadLimits kLimits{64 << 10, 200, 16 << 10};

/// As bench/load sends it.
constexpr std::string_view kRequest =
    "GET /256 HTTP/1.1\r\n"
    "Host: shop.example\r\n"
    "User-Agent: load-generator\r\n"
    "Accept: */*\r\n"
    "X-User-Id: user-4711\r\n"
    "\r\n";

/// A head as a relay would pass it on: copied.
void head_copied(benchmark::State& state) {
  net::Bytes out;
  for (auto _ : state) {
    out.append(kRequest);
    benchmark::DoNotOptimize(out.view().data());
    out.clear();
  }
}
BENCHMARK(head_copied);

/// A head as weir passes it on: without what is meant for one hop, with X-Forwarded-For, -Proto, -Host and
/// X-Request-Id.
void head_rewritten(benchmark::State& state) {
  http::RequestHead head;
  if (http::parse_request(kRequest, kLimits, head).state != http::Parsed::complete) std::abort();
  const http::Target target = http::read_target(head);
  const http::RequestPlan plan{head, target, http::request_framing(head), {}};
  const http::ClientFacts client{"192.0.2.7", "http", {}, "5eb63bbbe01eeed093cb22bb8f5acdc3", false};
  net::Bytes out;
  for (auto _ : state) {
    http::write_request_head(out, plan, client);
    benchmark::DoNotOptimize(out.view().data());
    out.clear();
  }
}
BENCHMARK(head_rewritten);

/// Of that, the line X-Forwarded-For: three pieces behind each other.
void x_forwarded_for(benchmark::State& state) {
  const std::string peer = "192.0.2.7";
  net::Bytes out;
  for (auto _ : state) {
    out.append("X-Forwarded-For: ");
    out.append(peer);
    out.append("\r\n");
    benchmark::DoNotOptimize(out.view().data());
    out.clear();
  }
}
BENCHMARK(x_forwarded_for);

void x_request_id_made(benchmark::State& state) {
  proxy::Dice dice;
  std::array<char, 32> id;
  for (auto _ : state) {
    dice.request_id(id);
    benchmark::DoNotOptimize(id);
  }
}
BENCHMARK(x_request_id_made);

/// Cohort key to bucket to version, of 1,000 users.
void cohort_hash(benchmark::State& state) {
  std::vector<std::string> users;
  for (int i = 0; i < 1000; ++i) users.push_back("user-" + std::to_string(i));
  const routing::Seed seed = routing::seed_of("shop");
  size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(routing::bucket_of(users[next], seed));
    next = next + 1 == users.size() ? 0 : next + 1;
  }
}
BENCHMARK(cohort_hash);

/// The request by code class and decision, bytes of both bodies, in flight up and down.
void counters(benchmark::State& state) {
  metrics::VersionNumbers numbers;
  for (auto _ : state) {
    numbers.in_flight.add(1);
    numbers.request_body_bytes.add(0);
    numbers.response_body_bytes.add(256);
    numbers.requests[2][metrics::kBySplit].add();
    numbers.in_flight.add(-1);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(counters);

/// Both durations of a request, of all sizes around half a millisecond.
void histograms(benchmark::State& state) {
  metrics::VersionNumbers numbers;
  std::array<net::Nanos, 1024> durations;
  for (size_t i = 0; i < durations.size(); ++i) durations[i] = net::Nanos(200'000 + 700 * static_cast<int64_t>(i));
  size_t next = 0;
  for (auto _ : state) {
    numbers.upstream_duration.record(durations[next & 1023]);
    numbers.duration.record(durations[(next * 7 + 1) & 1023]);
    ++next;
  }
  benchmark::DoNotOptimize(numbers);
}
BENCHMARK(histograms);

/// The clock, each time that it is read: at the first byte, when the request is sent, at its response's head and end.
void clock_read(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(net::monotonic());
}
BENCHMARK(clock_read);

}  // namespace
}  // namespace weir
