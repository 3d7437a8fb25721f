// The events that one reader has not taken yet, as text/event-stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "proxy/control/operator.h"

namespace weir::admin {

/// Listens from the beginning of its life until end(). Control thread.
class EventQueue {
 public:
  /// `wake` is called at every event, and must not end the queue.
  EventQueue(control::Operator& control, std::function<void()> wake);
  ~EventQueue();
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  /// Does not look at the operator again.
  void end();
  /// More was waiting than a reader may leave unread: some is lost, so there is nothing to go on with.
  bool overflowed() const { return overflowed_; }
  bool empty() const { return waiting_.empty(); }
  /// All that waits.
  std::string take();

 private:
  void add(const control::Event& event);

  control::Operator* control_;  // null: ended
  std::function<void()> wake_;
  std::string waiting_;
  bool overflowed_ = false;
  uint64_t number_;
};

}  // namespace weir::admin
