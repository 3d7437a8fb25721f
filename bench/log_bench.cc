// What a line of the access log costs its worker.
#include <benchmark/benchmark.h>

#include "proxy/log/line.h"

namespace weir::log {
namespace {

void write_a_line(benchmark::State& state, void (*write)(std::string&, const Line&)) {
  const Line line{.time = std::chrono::seconds(1794042487),
                  .request_id = "5eb63bbbe01eeed093cb22bb8f5acdc3",
                  .client = "192.0.2.7",
                  .method = "GET",
                  .host = "shop.example",
                  .path = "/api/v1/products/4711",
                  .referer = "http://shop.example/products",
                  .agent = "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
                  .status = 200,
                  .bytes_out = 256,
                  .service = "shop",
                  .version = "new",
                  .revision = 7,
                  .decided_by = "split",
                  .bucket = 66771,
                  .endpoint = "127.0.0.1:9002",
                  .tries = 1,
                  .duration = std::chrono::microseconds(1234),
                  .upstream_duration = std::chrono::microseconds(1200)};
  std::string out;
  for (auto _ : state) {
    if (out.size() > 64 * 1024) out.clear();
    write(out, line);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK_CAPTURE(write_a_line, json, write_json);
BENCHMARK_CAPTURE(write_a_line, combined, write_combined);

}  // namespace
}  // namespace weir::log
