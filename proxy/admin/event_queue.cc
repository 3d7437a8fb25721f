#include "proxy/admin/event_queue.h"

#include <utility>

namespace weir::admin {
namespace {

constexpr size_t kMaxWaiting = 256 * 1024;

}  // namespace

EventQueue::EventQueue(control::Operator& control, std::function<void()> wake)
    : control_(&control),
      wake_(std::move(wake)),
      number_(control.subscribe([this](const auto& event) { add(event); })) {}

EventQueue::~EventQueue() { end(); }

void EventQueue::end() {
  if (control_ != nullptr) std::exchange(control_, nullptr)->unsubscribe(number_);
}

std::string EventQueue::take() { return std::exchange(waiting_, {}); }

void EventQueue::add(const control::Event& event) {
  if (waiting_.size() + event.kind.size() + event.json.size() > kMaxWaiting) overflowed_ = true;
  if (!overflowed_) waiting_ += "event: " + event.kind + "\ndata: " + event.json + "\n\n";
  wake_();
}

}  // namespace weir::admin
