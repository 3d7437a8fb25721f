#include "proxy/evidence/mailbox.h"

#include <boost/json.hpp>

namespace weir::evidence {

namespace json = boost::json;

namespace {

constexpr int64_t kBest = 5;
constexpr std::chrono::seconds kBetweenLooks{1};  // for users who may be forgotten

WordsOrWrong wrong(std::string why) { return {std::nullopt, std::move(why)}; }

}  // namespace

WordsOrWrong read_words(std::string_view body) {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 2;
  const json::value value = json::parse(json::string_view(body.data(), body.size()), error, {}, options);
  const json::object* const object = error ? nullptr : value.if_object();
  if (object == nullptr) return wrong("write a JSON object, as {\"rating\":4,\"comment\":\"…\",\"page\":\"/cart\"}");
  Words words;
  for (const auto& [key, part] : *object) {
    if (key == "rating") {
      const int64_t* const rating = part.if_int64();
      if (rating == nullptr || *rating < 1 || *rating > kBest) return wrong("rating: a whole number from 1 to 5");
      words.rating = static_cast<unsigned>(*rating);
      continue;
    }
    const json::string* const text = part.if_string();
    std::string* const into = key == "comment" ? &words.comment : key == "page" ? &words.page : nullptr;
    if (into == nullptr || text == nullptr) return wrong("known are rating, a number, comment and page, both text");
    *into = *text;
  }
  if (words.rating == 0) return wrong("rating: a whole number from 1 to 5");
  return {std::move(words), ""};
}

void Mailbox::configure(std::chrono::milliseconds every) {
  const std::lock_guard lock(mutex_);
  every_ = every;
}

Mailbox::Taken Mailbox::put(Rating rating, std::chrono::nanoseconds now) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = last_.find(rating.event.user);
    if (known != last_.end() && now - known->second < every_) return Taken::too_often;
    if (waiting_.size() >= kWaiting || (known == last_.end() && remembers_too_many(now))) return Taken::full;
    last_[rating.event.user] = now;
    waiting_.push_back(std::move(rating));
  }
  bell_->ring();
  return Taken::yes;
}

/// Those whose time is over are forgotten first; not looked for at every rating of a flood of them, as it takes long.
bool Mailbox::remembers_too_many(std::chrono::nanoseconds now) {
  if (last_.size() < kRemembered) return false;
  if (now < looks_again_) return true;
  looks_again_ = now + kBetweenLooks;
  std::erase_if(last_, [&](const auto& entry) { return now - entry.second >= every_; });
  return last_.size() >= kRemembered;
}

std::vector<Rating> Mailbox::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(waiting_, {});
}

}  // namespace weir::evidence
