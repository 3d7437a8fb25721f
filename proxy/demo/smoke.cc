#include "proxy/demo/smoke.h"

#include <fmt/core.h>

#include <chrono>
#include <map>
#include <optional>
#include <thread>

#include "config/parse.h"
#include "proxy/demo/config_file.h"
#include "proxy/demo/visitor.h"
#include "routing/bucket.h"

namespace weir::demo {
namespace {

using Clock = std::chrono::steady_clock;
constexpr unsigned kUsers = 1000;
constexpr unsigned kStaff = 20;
constexpr auto kPatience = std::chrono::seconds(5);
constexpr config::Share kNextShare{250'000};

std::string user(unsigned number) { return fmt::format("user-{}", number); }

/// What the file asks for, read as an application would that computes buckets itself.
struct Asked {
  routing::Seed seed;
  config::Share share;

  bool is_new(const std::string& key) const {
    return static_cast<uint32_t>(routing::bucket_of(key, seed)) < static_cast<uint32_t>(share);
  }
};

Asked asked_by(const std::string& config_file) {
  const auto loaded = config::load(config_file);
  const config::Service& service = loaded->config.services.front();
  return {routing::seed_of(service.cohort.salt), service.candidate_share(service.split)};
}

/// Sends the users, and remembers every answer by version.
class Survey {
 public:
  explicit Survey(const config::Address& edge) : visitor_(edge) {}

  /// The version that this user met; empty if none answered.
  std::string ask(const std::string& key) { return ask_with(fmt::format("Cookie: uid={}\r\n", key)); }
  std::string ask_with(const std::string& header_lines) {
    const auto answer = visitor_.ask(header_lines);
    if (!answer || answer->status != 200) return "";
    ++answers_[answer->version];
    return answer->version;
  }

  /// Everybody where their bucket says?
  bool everybody(const Asked& asked) {
    unsigned met_new = 0, wrong = 0, unanswered = 0;
    for (unsigned i = 0; i < kUsers; ++i) {
      const std::string version = ask(user(i));
      met_new += version == kNew ? 1 : 0;
      unanswered += version.empty() ? 1 : 0;
      wrong += version != (asked.is_new(user(i)) ? kNew : kOld) ? 1 : 0;
    }
    fmt::print("{} users at {}: {} on old, {} on new, {} not where their bucket says, {} without an answer\n", kUsers,
               config::share_text(asked.share), kUsers - met_new - unanswered, met_new, wrong - unanswered, unanswered);
    return wrong == 0 && met_new > 0 && met_new < kUsers;
  }

  bool staff() {
    unsigned met_new = 0;
    for (unsigned i = 0; i < kStaff; ++i) met_new += ask_with("X-Staff: 1\r\n") == kNew ? 1 : 0;
    fmt::print("{} of {} requests of staff went to new\n", met_new, kStaff);
    return met_new == kStaff;
  }

  /// Asks as a user who moves until they have; nothing if they do not in time.
  std::optional<Clock::duration> wait_for_new(const std::string& key) {
    const auto began = Clock::now();
    while (Clock::now() - began < kPatience) {
      if (ask(key) == kNew) return Clock::now() - began;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return std::nullopt;
  }

  /// Did weir count what was sent, exactly?
  bool agrees_with(const metrics::Summary& counted) const {
    bool agrees = true;
    for (const auto& [version, answers] : answers_) {
      const auto* numbers = metrics::find(counted, kService, version);
      const uint64_t theirs = numbers == nullptr ? 0 : numbers->total();
      fmt::print("{}: {} requests answered, {} counted by weir\n", version, answers, theirs);
      agrees = agrees && theirs == answers;
    }
    return agrees;
  }

 private:
  Visitor visitor_;
  std::map<std::string, uint64_t> answers_;
};

/// Somebody who is on old now and on new at the next share.
std::string who_moves(const Asked& now, const Asked& next) {
  unsigned number = 0;
  while (now.is_new(user(number)) || !next.is_new(user(number))) ++number;
  return user(number);
}

bool edit_share(const std::string& config_file, config::Share from, config::Share to) {
  auto text = read_file(config_file);
  if (!text) return false;
  const std::string split = fmt::format("new: {}", config::share_text(from));
  const size_t at = text->find(split);
  if (at == std::string::npos) return false;
  return replace_file(config_file, text->replace(at, split.size(), fmt::format("new: {}", config::share_text(to))));
}

bool share_changes_live(Survey& survey, const std::string& config_file, const Asked& now) {
  const Asked next{now.seed, kNextShare};
  if (!edit_share(config_file, now.share, next.share)) {
    fmt::print("{} could not be edited\n", config_file);
    return false;
  }
  const auto took = survey.wait_for_new(who_moves(now, next));
  if (!took) {
    fmt::print("the share was edited to {}, but 5 s later it is not in force\n", config::share_text(next.share));
    return false;
  }
  fmt::print("the file was edited to {}: in force after {:.0f} ms\n", config::share_text(next.share),
             std::chrono::duration<double, std::milli>(*took).count());
  return survey.everybody(next);
}

}  // namespace

bool smoke(const config::Address& edge, const std::string& config_file, const Count& count) {
  const Asked asked = asked_by(config_file);
  Survey survey(edge);
  bool right = survey.everybody(asked);
  right = survey.staff() && right;
  right = share_changes_live(survey, config_file, asked) && right;
  right = survey.agrees_with(count()) && right;
  fmt::print("{}\n", right ? "smoke: ok" : "smoke: failed; `./dev test` tells more");
  return right;
}

}  // namespace weir::demo
