#include "proxy/log/repeats.h"

#include <fmt/format.h>

namespace weir::log {

Repeats::~Repeats() { tell_those_over(spdlog::log_clock::time_point::max()); }

void Repeats::sink_it_(const spdlog::details::log_msg& message) {
  tell_those_over(message.time);
  std::string text(message.payload.data(), message.payload.size());
  if (seen_.size() >= kTexts && !seen_.contains(text)) return sink_->log(message);
  Seen& seen = seen_.try_emplace(std::move(text), Seen{message.time, message.level}).first->second;
  if (++seen.count <= kPass) sink_->log(message);
}

void Repeats::flush_() {
  tell_those_over(spdlog::log_clock::now());
  sink_->flush();
}

/// A clock that was set back ends them too: nobody is silent until it has caught up.
void Repeats::tell_those_over(spdlog::log_clock::time_point now) {
  for (auto at = seen_.begin(); at != seen_.end();) {
    const auto& [text, seen] = *at;
    const auto age = now - seen.since;
    if (-kTime < age && age < kTime) {
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
