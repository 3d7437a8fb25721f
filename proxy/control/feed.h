// Who wants to hear of what happens. Control thread.
#pragma once

#include <cstdint>
#include <map>

#include "proxy/control/operator.h"

namespace weir::control {

class Feed {
 public:
  uint64_t subscribe(Operator::Listen listen) {
    listeners_.emplace(++last_, std::move(listen));
    return last_;
  }
  void unsubscribe(uint64_t number) { listeners_.erase(number); }

  /// Whoever unsubscribes meanwhile is not called any more.
  void tell(const Event& event) {
    for (uint64_t number = 0;;) {
      const auto next = listeners_.upper_bound(number);
      if (next == listeners_.end()) return;
      number = next->first;
      const Operator::Listen listen = next->second;
      listen(event);
    }
  }

 private:
  std::map<uint64_t, Operator::Listen> listeners_;
  uint64_t last_ = 0;
};

}  // namespace weir::control
