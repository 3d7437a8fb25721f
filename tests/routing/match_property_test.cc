// The index against a matcher that asks one condition after another, written from the contract alone.
#include <gtest/gtest.h>
#include <re2/re2.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "routing/explain.h"
#include "routing/match.h"
#include "tests/routing/random_given.h"

namespace weir::routing {
namespace {

using Values = std::vector<std::string>;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

Values split_at(const std::string& text, char separator) {
  Values parts{""};
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

Values headers(const Request& request, const std::string& name) {
  Values values;
  for (const auto& [n, v] : request.headers) {
    if (lower(n) == lower(name)) values.push_back(v);
  }
  return values;
}

/// The value of the first `name=value` among the parts.
Values first_pair(const Values& parts, const std::string& name, bool bare_names_count) {
  for (const std::string& part : parts) {
    const size_t begin = part.find_first_not_of(' ');
    const std::string pair = begin == std::string::npos ? "" : part.substr(begin);
    if (bare_names_count && pair == name) return {""};
    if (pair.starts_with(name + "=")) return {pair.substr(name.size() + 1)};
  }
  return {};
}

Values cookies(const Request& request, const std::string& name) {
  Values parts;
  for (const std::string& field : headers(request, "Cookie")) {
    for (const std::string& part : split_at(field, ';')) parts.push_back(part);
  }
  return first_pair(parts, name, false);
}

bool matches_regex(const std::string& subject, const std::string& regex) {
  return subject.size() <= 1024 && RE2::PartialMatch(subject, RE2(regex, RE2::Quiet));
}

bool test_holds(const config::ValueTest& test, const Values& values) {
  if (test.kind == Is::present) return values.empty() != test.present;
  return std::any_of(values.begin(), values.end(), [&](const std::string& value) {
    if (test.kind == Is::exact) return value == test.text;
    return test.kind == Is::prefix ? value.starts_with(test.text) : matches_regex(value, test.text);
  });
}

std::string matched_path(const std::string& path) {
  const std::map<std::string, std::string> known = {{"//a/./b", "/a/b"}, {"/%61", "/a"}, {"/b/../a", "/a"}};
  const auto found = known.find(path);
  return found == known.end() ? path : found->second;
}

bool under(const std::string& path, std::string prefix) {
  if (prefix.ends_with('/')) prefix.pop_back();
  return prefix.empty() || path == prefix || path.starts_with(prefix + "/");
}

std::string region_of(const Request& request) {
  for (const std::string& value : request.trusted ? headers(request, "X-Region") : Values{})
    return value.empty() ? "ZZ" : value;
  return "ZZ";
}

bool all_hold(const config::Conditions& when, const Request& request) {
  const std::string path = matched_path(request.path);
  const auto ip = config::parse_ip(request.client).value();
  bool all = true;
  for (const auto& [name, test] : when.headers) all &= test_holds(test, headers(request, name));
  for (const auto& [name, test] : when.cookies) all &= test_holds(test, cookies(request, name));
  for (const auto& [name, test] : when.queries)
    all &= test_holds(test, first_pair(split_at(request.query, '&'), name, true));
  if (!when.methods.empty()) all &= std::count(when.methods.begin(), when.methods.end(), request.method) > 0;
  if (when.path_prefix) all &= under(path, *when.path_prefix);
  if (when.path_regex) all &= matches_regex(path, *when.path_regex);
  if (!when.client_ip.empty()) {
    all &= std::any_of(when.client_ip.begin(), when.client_ip.end(),
                       [&](const auto& block) { return block.contains(ip); });
  }
  if (!when.regions.empty()) {
    all &= std::any_of(when.regions.begin(), when.regions.end(),
                       [&](const auto& region) { return lower(region) == lower(region_of(request)); });
  }
  for (const config::Conditions& inner : when.not_) all &= !all_hold(inner, request);
  return all;
}

uint32_t first_by_contract(const config::Service& service, const Request& request) {
  for (uint32_t i = 0; i < service.rules.size(); ++i) {
    if (all_hold(service.rules[i].when, request)) return i;
  }
  return kNone;
}

config::Config with_region_header(config::Service service) {
  config::Config config = config_of({std::move(service)});
  config.regions.push_back({"X-Region", "", {}, {}});
  return config;
}

TEST(Matcher, AgreesWithAskingEachRuleByTheContract) {
  RandomGiven random(1);
  int matched = 0, decisions = 0;
  for (int round = 0; round < 150; ++round) {
    const config::Service service = random.service();
    const auto snapshot = compiled(with_region_header(service));
    for (int i = 0; i < 40; ++i) {
      const Request request = random.request();
      const Decision decision = decide_for(*snapshot, request);
      ASSERT_EQ(decision.rule, first_by_contract(service, request)) << "round " << round << ", request " << i;
      matched += decision.rule != kNone ? 1 : 0;
      ++decisions;
    }
  }
  EXPECT_GT(matched, decisions / 4);
  EXPECT_GT(decisions - matched, decisions / 20);
}

void expect_equal(const Decision& a, const Decision& b) {
  EXPECT_EQ(a.version, b.version);
  EXPECT_EQ(a.rule, b.rule);
  EXPECT_EQ(a.bucket, b.bucket);
  EXPECT_EQ(a.by, b.by);
  EXPECT_EQ(a.mint, b.mint);
  EXPECT_EQ(a.key, b.key);
  EXPECT_EQ(a.oversized_subjects, b.oversized_subjects);
  EXPECT_EQ(a.identity.hex, b.identity.hex);
}

TEST(Explain, DecidesAsDecideDoes) {
  RandomGiven random(2);
  std::array<int, kDecidedByCount> by{};
  int oversized = 0;
  for (int round = 0; round < 150; ++round) {
    const auto snapshot = compiled(with_region_header(random.service()));
    for (int i = 0; i < 40; ++i) {
      const Request request = random.request();
      const RequestView view = request.view();
      const Availability available{{!random.one_in(8), !random.one_in(8)}};
      const Chance chance{random.number(), random.number(), random.number()};
      const Decision decision = decide(snapshot->services[0], view, available, chance);
      expect_equal(explain(*snapshot, view, available, chance).decision, decision);
      ASSERT_FALSE(HasFailure()) << "round " << round << ", request " << i;
      ++by[static_cast<size_t>(decision.by)];
      oversized += decision.oversized_subjects;
    }
  }
  for (const DecidedBy each : {DecidedBy::rule, DecidedBy::split, DecidedBy::without_key, DecidedBy::fallback}) {
    EXPECT_GT(by[static_cast<size_t>(each)], 50) << decided_by_text(each);
  }
  EXPECT_GT(oversized, 10);
}

TEST(Decide, EveryThreadGivesTheSameAnswer) {
  RandomGiven random(4);
  const auto snapshot = compiled(with_region_header(random.service()));
  std::vector<Request> requests;
  std::vector<Decision> expected;
  for (int i = 0; i < 500; ++i) {
    requests.push_back(random.request());
    expected.push_back(decide_for(*snapshot, requests.back()));
  }
  std::atomic<int> different{0};
  const auto decide_all = [&](std::vector<Request> own) {
    for (size_t i = 0; i < own.size(); ++i) {
      const Decision decision = decide_for(*snapshot, own[i]);
      if (decision.version != expected[i].version || decision.rule != expected[i].rule) ++different;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(decide_all, requests);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(different, 0);
}

TEST(Decide, RaisingAShareMovesNobodyOutOfTheCandidate) {
  RandomGiven random(3);
  for (int round = 0; round < 100; ++round) {
    config::Service service = random.service();
    const Request request = random.request();
    const Chance chance{random.number(), random.number(), random.number()};
    bool was_new = false;
    for (const uint32_t share : {0u, 10'000u, 100'000u, 250'000u, 500'000u, 1'000'000u}) {
      service.split = shop(share).split;
      const bool is_new = decide_for(*compiled(with_region_header(service)), request, {}, chance).version == 1;
      EXPECT_TRUE(is_new || !was_new);
      was_new = is_new;
    }
  }
}

}  // namespace
}  // namespace weir::routing
