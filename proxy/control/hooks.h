// Calls of rollouts' hooks: a POST of JSON each, on a thread of their own, so that nobody waits for one.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "config/config.h"
#include "proxy/net/loop.h"

namespace weir::control {

/// Somebody to be called, and what is said.
struct HookCall {
  config::HookUrl url;
  std::chrono::milliseconds timeout{};  // of the whole call
  std::string service;
  std::string event;
  std::string json;
};

class Hooks {
 public:
  /// Why a call failed; empty: it was answered with 2xx. On the control thread.
  using Called = std::function<void(const HookCall& call, const std::string& why)>;

  Hooks(boost::asio::io_context& io, Called called);
  ~Hooks();
  Hooks(const Hooks&) = delete;
  Hooks& operator=(const Hooks&) = delete;

  /// Returns at once. Calls to one address are made one after the other; where so many wait already one more fails.
  /// None is made twice.
  void call(HookCall call);
  static constexpr size_t kWaiting = 16;

  /// Calls that wait or are under way are not made, or not waited for.
  void stop();

 private:
  class Line;
  void add(HookCall call);

  boost::asio::io_context& io_;
  const Called called_;
  net::Loop loop_;
  std::map<std::string, std::unique_ptr<Line>> lines_;  // by address; the thread's own
  std::thread thread_;
};

}  // namespace weir::control
