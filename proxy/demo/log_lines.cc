#include "proxy/demo/log_lines.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdio>
#include <mutex>
#include <utility>

namespace weir::demo {

class LogLines::Sink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit Sink(std::function<void(std::string)> deliver) : deliver_(std::move(deliver)) {}
  void let_go() { held_.store(false); }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (held_.load()) return deliver_(std::string(line.data(), line.size()));
    std::fwrite(line.data(), 1, line.size(), stderr);
  }
  void flush_() override { std::fflush(stderr); }

  std::function<void(std::string)> deliver_;
  std::atomic<bool> held_{true};
};

LogLines::LogLines(std::function<void(std::string)> deliver) : sink_(std::make_shared<Sink>(std::move(deliver))) {
  sink_->set_pattern("%H:%M:%S.%e %l %v");
  spdlog::default_logger()->sinks() = {sink_};
}

void LogLines::let_go() { sink_->let_go(); }

}  // namespace weir::demo
