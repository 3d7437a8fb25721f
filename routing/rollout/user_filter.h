// A bounded set of users, by the hash of their cohort key. A user not in it may be taken for one who is, never
// the other way round: in judging that only costs power.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::routing::rollout {

/// The place of a user. The lower bits of the hash: its upper ones are the bucket, which a version's users share.
constexpr uint32_t filter_place(uint64_t user, uint32_t places) { return static_cast<uint32_t>(user) & (places - 1); }

/// `n` places of `places` are taken: about how many users took them (linear counting: Whang, Vander-Zanden & Taylor,
/// 1990).
double users_behind(uint64_t taken, uint32_t places);

class UserFilter {
 public:
  static constexpr uint32_t kPlaces = 1U << 17;

  /// True: was not in it before.
  bool insert(uint64_t user);
  /// Everybody of another one's words (kPlaces bits), or as many of them as there are.
  void unite(std::span<const uint64_t> words);
  /// How many were new when they were put in: never more than there were users.
  uint64_t size() const { return size_; }
  /// About how many users there were.
  double users() const { return users_behind(size_, kPlaces); }
  void clear();

  /// Places in hex, delta by delta while they are few: made to be kept in JSON.
  std::string text() const;
  /// False: `text` is none of a filter's; nothing changed.
  bool read(std::string_view text);

 private:
  std::vector<uint64_t> words_;  // empty: nobody
  uint64_t size_ = 0;
};

}  // namespace weir::routing::rollout
