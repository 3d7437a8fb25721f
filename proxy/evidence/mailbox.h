// Users' ratings on their way from the workers to the control thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proxy/evidence/tally.h"

namespace weir::evidence {

/// What a user says.
struct Words {
  unsigned rating = 0;  // 1 … 5
  std::string comment;  // any text; empty: none
  std::string page;     // likewise
};

/// Words, or a sentence that says what is wrong with them.
struct WordsOrWrong {
  std::optional<Words> words;
  std::string wrong;
};

/// Reads `{"rating":1,"comment":"…","page":"/cart"}`, of which only the rating must be there.
WordsOrWrong read_words(std::string_view body);

/// Words joined to the version of who said them.
struct Rating {
  Words words;
  std::string version;
  uint32_t bucket = 0;
  std::chrono::system_clock::time_point at;
  BadEvent event;                 // who said them, and by which share; bad only if the rating is
  bool version_by_chance = true;  // false: it was forced, and says nothing of the versions
};

/// Of one service. Workers put in, the control thread takes out; a lock, as no request waits for a rating.
class Mailbox {
 public:
  enum class Taken : uint8_t {
    yes,
    too_often,  // this user said something not long ago
    full,
  };
  static constexpr size_t kWaiting = 1024;       // ratings that the control thread has not taken yet
  static constexpr size_t kRemembered = 65'536;  // users, who said something not long ago

  explicit Mailbox(std::shared_ptr<Bell> bell) : bell_(std::move(bell)) {}

  /// Of a user one is taken in so long.
  void configure(std::chrono::milliseconds every);
  /// `now` of a clock that only grows.
  Taken put(Rating rating, std::chrono::nanoseconds now);
  /// Everything that waits, in its order.
  std::vector<Rating> take();

 private:
  bool remembers_too_many(std::chrono::nanoseconds now);

  const std::shared_ptr<Bell> bell_;
  std::mutex mutex_;
  std::chrono::milliseconds every_{};
  std::unordered_map<uint64_t, std::chrono::nanoseconds> last_;  // by user
  std::chrono::nanoseconds looks_again_{};                       // for those who may be forgotten
  std::vector<Rating> waiting_;
};

}  // namespace weir::evidence
