#include "proxy/upstream/queue.h"

#include <algorithm>

namespace weir::upstream {

Ticket::Ticket(Queue& queue, net::Loop& loop, net::Waiter& waiter) : queue_(queue), entry_(std::make_shared<Entry>()) {
  entry_->loop = &loop;
  entry_->waiter = &waiter;
}

Ticket::~Ticket() {
  entry_->waiter = nullptr;
  queue_.leave(entry_);
  if (!entry_->called) return;
  used();
  queue_.place_freed();
}

bool Ticket::join() {
  const bool joined = queue_.join(entry_);
  if (entry_->called) used();
  return joined;
}

void Ticket::used() {
  entry_->called = false;
  queue_.called_.fetch_sub(1);
}

bool Queue::join(const std::shared_ptr<Ticket::Entry>& entry) {
  const std::lock_guard lock(mutex_);
  if (entry->number == 0) {
    if (entries_.size() >= size_.load(std::memory_order_relaxed)) return false;
    entry->number = ++last_number_;
  }
  const auto behind = std::ranges::find_if(entries_, [&](const auto& other) { return other->number > entry->number; });
  entries_.insert(behind, entry);
  entry->waits = true;
  waiting_.store(entries_.size());
  return true;
}

void Queue::leave(const std::shared_ptr<Ticket::Entry>& entry) {
  const std::lock_guard lock(mutex_);
  if (!entry->waits) return;
  entry->waits = false;
  entries_.remove(entry);
  waiting_.store(entries_.size());
}

/// The call goes by letter to the loop of who waits; one that was dropped meanwhile passes it on.
bool Queue::call_first() {
  std::shared_ptr<Ticket::Entry> entry;
  {
    const std::lock_guard lock(mutex_);
    if (entries_.empty()) return false;
    entry = std::move(entries_.front());
    entries_.pop_front();
    entry->waits = false;
    called_.fetch_add(1);  // before it is seen to wait no more
    waiting_.store(entries_.size());
  }
  net::Loop& loop = *entry->loop;
  loop.post([queue = shared_from_this(), entry = std::move(entry)] {
    if (!entry->waiter) {
      queue->called_.fetch_sub(1);
      return queue->place_freed();
    }
    entry->called = true;
    entry->waiter->wake();
  });
  return true;
}

void Queue::call_all() {
  for (uint64_t left = waiting(); left > 0 && call_first(); --left) {
  }
}

}  // namespace weir::upstream
