#include "proxy/losses.h"

#include <spdlog/spdlog.h>

#include <chrono>

#include "proxy/entrance.h"

namespace weir::proxy {

namespace {
constexpr std::chrono::seconds kBetweenLooks{1};
constexpr std::chrono::seconds kAfterTelling{10};
}  // namespace

void Losses::watch() {
  timer_.expires_after(tell() ? kAfterTelling : kBetweenLooks);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) watch();
  });
}

bool Losses::tell() {
  const uint64_t lines = access_log_.lost() - lines_told_;
  const uint64_t waited = connections_without_descriptor() - descriptors_told_;
  if (lines > 0) spdlog::error("the access log could not take {} lines: is its disk full?", lines);
  if (waited > 0)
    spdlog::error("no descriptor was left for a new connection {} times: raise LimitNOFILE or lower limits.connections",
                  waited);
  lines_told_ += lines;
  descriptors_told_ += waited;
  return lines + waited > 0;
}

uint64_t Losses::connections_without_descriptor() {
  uint64_t count = 0;
  for (const auto& listener : registry_.listeners())
    for (const auto& shard : listener->shards())
      count += shard.connections_rejected[static_cast<size_t>(RejectReason::descriptors)].value();
  return count;
}

}  // namespace weir::proxy
