// Which users a service had lately, so that it is known how long a stage takes to see enough of them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "routing/rollout/user_filter.h"

namespace weir::evidence {

/// Each worker marks its users in a set of its own, without locks; the control thread empties them all.
class Audience {
 public:
  explicit Audience(size_t workers) : sets_(workers) {}

  /// By one worker, on its thread; `user` is the hash of the cohort key.
  void saw(size_t worker, uint64_t user) {
    const uint32_t place = routing::rollout::filter_place(user, routing::rollout::UserFilter::kPlaces);
    std::atomic<uint64_t>& word = sets_[worker].words[place / 64];
    const uint64_t bit = uint64_t{1} << (place % 64), before = word.load(std::memory_order_relaxed);
    if ((before & bit) == 0) word.store(before | bit, std::memory_order_relaxed);
  }

  /// Who was seen since it was asked last. By the control thread; a user who comes at this very moment may be
  /// counted twice or not at all.
  std::vector<uint64_t> take() {
    std::vector<uint64_t> all(kWords);
    for (Set& set : sets_) {
      for (size_t i = 0; i < kWords; ++i) all[i] |= set.words[i].exchange(0, std::memory_order_relaxed);
    }
    return all;
  }

 private:
  static constexpr size_t kWords = routing::rollout::UserFilter::kPlaces / 64;
  struct alignas(64) Set {
    std::array<std::atomic<uint64_t>, kWords> words{};
  };
  std::vector<Set> sets_;
};

}  // namespace weir::evidence
