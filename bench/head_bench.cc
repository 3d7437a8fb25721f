// What a request's and a response's head cost: parsed in place, judged, and written for the endpoint.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string_view>

#include "proxy/http/forward.h"
#include "proxy/http/framing.h"
#include "proxy/http/head.h"
#include "proxy/http/target.h"
#include "proxy/net/bytes.h"

namespace weir::http {
namespace {

constexpr HeadLimits kLimits{64 << 10, 200, 16 << 10};

/// As a browser's script sends it: 381 bytes, 10 fields.
constexpr std::string_view kRequest =
    "GET /api/v1/products/4711?currency=nzd HTTP/1.1\r\n"
    "Host: shop.example\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0\r\n"
    "Accept: application/json\r\n"
    "Accept-Language: en-GB,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Referer: http://shop.example/products\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: session=9f86d081884c7d65; uid=7f3a9c2e\r\n"
    "Sec-Fetch-Mode: cors\r\n"
    "X-User-Id: 4711\r\n"
    "\r\n";

constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\n"
    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    "Server: shop/2.3\r\n"
    "Content-Type: application/json; charset=utf-8\r\n"
    "Cache-Control: private, max-age=60\r\n"
    "ETag: \"5d8c72a5edda8d6a\"\r\n"
    "Vary: Accept-Encoding\r\n"
    "Content-Length: 256\r\n"
    "\r\n";

/// A benchmark of what is refused would be none of what is measured.
void must(bool holds) {
  if (!holds) std::abort();
}

void parse_a_request(benchmark::State& state) {
  RequestHead head;
  for (auto _ : state) benchmark::DoNotOptimize(parse_request(kRequest, kLimits, head));
  must(parse_request(kRequest, kLimits, head).size == kRequest.size());
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * kRequest.size()));
}
BENCHMARK(parse_a_request);

void parse_a_response(benchmark::State& state) {
  ResponseHead head;
  for (auto _ : state) benchmark::DoNotOptimize(parse_response(kResponse, kLimits, head));
  must(parse_response(kResponse, kLimits, head).size == kResponse.size());
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * kResponse.size()));
}
BENCHMARK(parse_a_response);

/// Target, framing and Connection: what an exchange asks of a parsed head.
void judge_a_request(benchmark::State& state) {
  RequestHead head;
  must(parse_request(kRequest, kLimits, head).state == Parsed::complete);
  for (auto _ : state) {
    benchmark::DoNotOptimize(read_target(head));
    benchmark::DoNotOptimize(request_framing(head));
    benchmark::DoNotOptimize(connection_options(head.fields));
  }
}
BENCHMARK(judge_a_request);

void write_a_request(benchmark::State& state) {
  RequestHead head;
  must(parse_request(kRequest, kLimits, head).state == Parsed::complete);
  const Target target = read_target(head);
  const RequestPlan plan{head, target, request_framing(head), {}};
  const ClientFacts client{"192.0.2.7", "http", {}, "5eb63bbbe01eeed093cb22bb8f5acdc3", false};
  net::Bytes out;
  for (auto _ : state) {
    write_request_head(out, plan, client);
    benchmark::DoNotOptimize(out.view().data());
    must(out.size() > kRequest.size());
    out.clear();
  }
}
BENCHMARK(write_a_request);

void write_a_response(benchmark::State& state) {
  ResponseHead head;
  must(parse_response(kResponse, kLimits, head).state == Parsed::complete);
  const ResponsePlan plan{head};
  net::Bytes out;
  for (auto _ : state) {
    write_response_head(out, plan);
    benchmark::DoNotOptimize(out.view().data());
    must(!out.empty());
    out.clear();
  }
}
BENCHMARK(write_a_response);

}  // namespace
}  // namespace weir::http
