#include "routing/regex_set.h"

#include <algorithm>
#include <random>

namespace weir::routing {
namespace {

constexpr int64_t kMemoryOfOne = 2 << 20;
constexpr int64_t kMemoryOfSet = 16 << 20;
constexpr int64_t kMemoryOfSetEach = 64 << 10;

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

RE2::Options options(int64_t memory) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(memory);
  return options;
}

std::unique_ptr<RE2::Set> compile_set(const std::vector<std::shared_ptr<const RE2>>& regexes) {
  if (regexes.size() < 2) return nullptr;
  const int64_t memory = kMemoryOfSet + kMemoryOfSetEach * static_cast<int64_t>(regexes.size());
  auto set = std::make_unique<RE2::Set>(options(memory), RE2::UNANCHORED);
  for (const auto& regex : regexes) {
    if (set->Add(regex->pattern(), nullptr) < 0) return nullptr;
  }
  return set->Compile() ? std::move(set) : nullptr;
}

/// Subjects of the largest size: one letter again and again, noise, and letters and pieces of the
/// expressions in random order, which keep as many of them alive as can be.
class HostileSubjects {
 public:
  static constexpr int kKinds = 5;
  explicit HostileSubjects(const std::vector<std::shared_ptr<const RE2>>& regexes) {
    for (const auto& regex : regexes) letters_ += regex->pattern();
    std::erase_if(letters_,
                  [](char c) { return std::string_view("()[]{}|?*+^$\\").find(c) != std::string_view::npos; });
    if (letters_.empty()) letters_ = "ab";
  }

  std::string make(int kind) {
    std::string text;
    while (text.size() < kLargestSubject) append(kind, text);
    text.resize(kLargestSubject);
    return text;
  }

 private:
  void append(int kind, std::string& text) {
    const size_t at = random_() % letters_.size();
    switch (kind) {
      case 0:
        text.push_back(letters_[at]);
        break;
      case 1:
        text += letters_.substr(at, 1 + random_() % 16);
        break;
      case 2:
        text.push_back(random_() % 2 == 0 ? 'a' : 'b');
        break;
      case 3:
        text.push_back(static_cast<char>(' ' + random_() % 95));
        break;
      default:
        text.append(kLargestSubject, letters_[at]);
    }
  }

  std::string letters_;
  std::mt19937_64 random_{20'261'101};
};

}  // namespace

std::shared_ptr<const RE2> compile_regex(const std::string& pattern) {
  return std::make_shared<const RE2>(pattern, options(kMemoryOfOne));
}

bool regex_matches(const RE2& regex, std::string_view subject) {
  return subject.size() <= kLargestSubject && RE2::PartialMatch(piece(subject), regex);
}

RegexSet::RegexSet(std::vector<std::shared_ptr<const RE2>> regexes)
    : regexes_(std::move(regexes)), filter_(regexes_), set_(compile_set(regexes_)) {}

void RegexSet::match_singly(std::string_view subject, std::vector<int>& matches) const {
  matches.clear();
  for (size_t i = 0; i < regexes_.size(); ++i) {
    if (RE2::PartialMatch(piece(subject), *regexes_[i])) matches.push_back(static_cast<int>(i));
  }
}

void RegexSet::match(std::string_view subject, std::vector<int>& matches) const {
  matches.clear();
  if (subject.size() > kLargestSubject || !filter_.may_match(subject)) return;
  if (set_ == nullptr) return match_singly(subject, matches);
  // Most requests match nothing, which RE2 can tell without allocating.
  RE2::Set::ErrorInfo error{};
  if (!set_->Match(piece(subject), nullptr, &error)) {
    if (error.kind != RE2::Set::kNoError) match_singly(subject, matches);
    return;
  }
  if (!set_->Match(piece(subject), &matches, &error)) match_singly(subject, matches);
}

std::chrono::nanoseconds RegexSet::worst_time(const Clock& clock, std::chrono::nanoseconds limit) const {
  RegexSet copy(regexes_);
  copy.filter_ = LiteralFilter();  // who wants weir to be slow sends the literals too
  HostileSubjects hostile(regexes_);
  std::vector<int> matches;
  std::chrono::nanoseconds worst{0}, spent{0};
  for (int kind = 0; kind < HostileSubjects::kKinds && worst < limit; ++kind) {
    // The least of a few tries, so that a thread that was put to sleep is not taken for a slow expression.
    auto least = std::chrono::nanoseconds::max();
    for (int tried = 0; tried < 2 || (tried < 3 && spent < limit); ++tried) {
      const std::string subject = hostile.make(kind);
      const auto begin = clock();
      copy.match(subject, matches);
      const auto took = clock() - begin;
      least = std::min(least, took);
      spent += took;
    }
    worst = std::max(worst, least);
  }
  return worst;
}

}  // namespace weir::routing
