#include "proxy/log/repeats.h"

#include <fmt/format.h>

namespace weir::log {

Repeats::~Repeats() { tell_those_before(spdlog::log_clock::time_point::max()); }

void Repeats::sink_it_(const spdlog::details::log_msg& message) {
  tell_those_before(message.time - kTime);
  std::string text(message.payload.data(), message.payload.size());
  if (seen_.size() >= kTexts && !seen_.contains(text)) return sink_->log(message);
  Seen& seen = seen_.try_emplace(std::move(text), Seen{message.time, message.level}).first->second;
  if (++seen.count <= kPass) sink_->log(message);
}

void Repeats::flush_() {
  tell_those_before(spdlog::log_clock::now() - kTime);
  sink_->flush();
}

void Repeats::tell_those_before(spdlog::log_clock::time_point begin) {
  for (auto at = seen_.begin(); at != seen_.end();) {
    const auto& [text, seen] = *at;
    if (seen.since > begin) {
      ++at;
      continue;
    }
    if (seen.count > kPass) {
      const std::string line = fmt::format("{} more of these in {} s: {}", seen.count - kPass, kTime.count(), text);
      sink_->log(spdlog::details::log_msg("weir", seen.level, line));
    }
    at = seen_.erase(at);
  }
}

}  // namespace weir::log
