#include "bench/load/tally.h"

#include <errno.h>
#include <stdio.h>

#include <algorithm>
#include <limits>

#include "bench/load/sockets.h"

namespace weir::load {

namespace {

Nanos read_clock(clockid_t clock) {
  timespec time{};
  if (clock_gettime(clock, &time) != 0) give_up("a process that is measured has ended");
  return std::chrono::seconds(time.tv_sec) + Nanos(time.tv_nsec);
}

/// As a JSON string, with what is not printable left out.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') out += "\\n";
    if (c >= ' ' && c < 0x7f) out += c;
  }
  return out + "\"";
}

uint32_t units_since(Nanos began) {
  return static_cast<uint32_t>(std::min<int64_t>((now() - began).count() / 100, std::numeric_limits<uint32_t>::max()));
}

/// In microseconds; the smallest that at least q of all do not exceed.
double quantile(std::vector<uint32_t>& latencies, double q) {
  if (latencies.empty()) return 0;
  const auto at = static_cast<size_t>(q * static_cast<double>(latencies.size() - 1) + 0.5);
  std::nth_element(latencies.begin(), latencies.begin() + static_cast<ptrdiff_t>(at), latencies.end());
  return latencies[at] / 10.0;
}

}  // namespace

Nanos now() { return read_clock(CLOCK_MONOTONIC); }

ProcessorTime::ProcessorTime(const std::vector<pid_t>& processes) {
  for (const pid_t process : processes) {
    errno = clock_getcpuclockid(process, &clocks_.emplace_back());
    if (errno != 0) give_up("--processes");
  }
}

Nanos ProcessorTime::spent() const {
  Nanos sum{};
  for (const clockid_t clock : clocks_) sum += read_clock(clock);
  return sum;
}

void Tally::begin_window() {
  open_ = true;
  window_began_ = now();
  processor_began_ = processors_.spent();
}

void Tally::end_window() {
  open_ = false;
  processor_ = processors_.spent() - processor_began_;
  window_ = now() - window_began_;
}

void Tally::response(Nanos began, char version) {
  ++responses_;
  if (version == 'n') ++of_new_;
  if (open_) latencies_.push_back(units_since(began));
}

void Tally::refused(Nanos began) {
  if (open_) refusals_.push_back(units_since(began));
}

void Tally::error(const std::string& what) {
  if (errors_++ == 0) first_error_ = what;
}

void Tally::print(const std::string& more) {
  const double seconds = std::chrono::duration<double>(window_).count();
  const double requests = static_cast<double>(latencies_.size());
  printf("{\"requests\": %zu, \"seconds\": %.6f, \"rps\": %.1f, ", latencies_.size(), seconds, requests / seconds);
  printf("\"cpu_us\": %.4f, ", requests > 0 ? static_cast<double>(processor_.count()) / 1e3 / requests : 0.0);
  printf("\"cpu_share\": %.4f, ", std::chrono::duration<double>(processor_).count() / seconds);
  printf("\"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, ", quantile(latencies_, 0.5),
         quantile(latencies_, 0.99), quantile(latencies_, 0.999));
  printf("\"refused\": %zu, \"refused_p50_us\": %.1f, \"refused_p99_us\": %.1f, ", refusals_.size(),
         quantile(refusals_, 0.5), quantile(refusals_, 0.99));
  printf("%s", more.c_str());
  printf("\"all_requests\": %llu, \"new_share\": %.5f, ", static_cast<unsigned long long>(responses_),
         responses_ > 0 ? static_cast<double>(of_new_) / static_cast<double>(responses_) : 0.0);
  printf("\"unsent\": %llu, \"errors\": %llu, \"first_error\": %s}\n", static_cast<unsigned long long>(unsent_),
         static_cast<unsigned long long>(errors_), quoted(first_error_).c_str());
}

}  // namespace weir::load
