// Bounds what equal lines cost a log: of one text a few pass in ten seconds, the others are counted, and told as one
// line when the time is over. Any thread.
#pragma once

#include <spdlog/sinks/base_sink.h>

#include <chrono>
#include <mutex>
#include <string>
#include <unordered_map>

namespace weir::log {

class Repeats final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  static constexpr size_t kPass = 5;
  static constexpr std::chrono::seconds kTime{10};

  /// Passes on to `sink`, with its own formatter.
  explicit Repeats(spdlog::sink_ptr sink) : sink_(std::move(sink)) {}
  /// What was counted is told.
  ~Repeats() override;

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  /// Called from time to time: tells of those whose time is over.
  void flush_() override;

 private:
  struct Seen {
    spdlog::log_clock::time_point since;
    spdlog::level::level_enum level;
    size_t count = 0;
  };
  void tell_those_over(spdlog::log_clock::time_point now);

  static constexpr size_t kTexts = 1000;  // that are remembered; others pass

  const spdlog::sink_ptr sink_;
  std::unordered_map<std::string, Seen> seen_;
};

}  // namespace weir::log
