#include "proxy/control/traffic.h"

namespace weir::control {

void Traffic::begin() {
  samples_.push_back(sample());
  if (samples_.size() > kSamples) samples_.pop_front();
  timer_.expires_after(kBetween);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) begin();
  });
}

Traffic::Sample Traffic::sample() const {
  Sample now{std::chrono::steady_clock::now(), {}};
  for (const auto& series : registry_.versions()) {
    Counts& counts = now.requests[series->name()];
    for (const metrics::VersionNumbers& shard : series->shards()) {
      for (const auto& code_class : shard.requests) {
        for (size_t by = 0; by < counts.size(); ++by) counts[by] += code_class[by].value();
      }
    }
  }
  return now;
}

Load Traffic::load(const std::string& service, const std::string& version) const {
  Load load;
  if (samples_.empty()) return load;
  const metrics::VersionName name{service, version};
  const Sample now = sample();
  const Sample& before = samples_.front();
  const double seconds = std::chrono::duration<double>(now.at - before.at).count();
  const auto counted = now.requests.find(name), earlier = before.requests.find(name);
  if (counted == now.requests.end() || seconds <= 0) return load;
  for (size_t by = 0; by < metrics::kDecidedBy; ++by) {
    const uint64_t from = earlier == before.requests.end() ? 0 : earlier->second[by];
    const double rate = static_cast<double>(counted->second[by] - from) / seconds;
    load.rate += rate;
    if (by == metrics::kBySplit) load.by_split = rate;
    if (by == kByWithoutKey) load.without_key = rate;
  }
  metrics::HistogramSnapshot durations;
  for (const auto& series : registry_.versions()) {
    if (series->name() != name) continue;
    for (const metrics::VersionNumbers& shard : series->shards()) durations.add(shard.duration);
  }
  if (durations.count() > 0) {
    load.seconds = std::chrono::duration<double>(durations.sum()).count() / static_cast<double>(durations.count());
  }
  return load;
}

}  // namespace weir::control
