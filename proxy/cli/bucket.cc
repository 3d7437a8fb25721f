#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/cli/commands.h"
#include "routing/bucket.h"

namespace weir::cli {
namespace {

struct Options {
  std::string salt;
  std::vector<std::string> keys;
};

/// As a request's key is: without the blanks around it.
std::string_view trimmed(std::string_view key) {
  const size_t first = key.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return key.substr(first, key.find_last_not_of(" \t\r") - first + 1);
}

/// False for an empty key, which has no bucket.
bool print_bucket(std::string_view key, routing::Seed seed) {
  key = trimmed(key);
  if (key.empty()) return false;
  fmt::print("{}\t{}\n", key, static_cast<uint32_t>(routing::bucket_of(key, seed)));
  return true;
}

int print_buckets_of_lines(routing::Seed seed) {
  std::ios::sync_with_stdio(false);  // a million lines are not unusual
  int code = kDone;
  std::string line;
  for (size_t number = 1; std::getline(std::cin, line); ++number) {
    if (print_bucket(line, seed)) continue;
    fmt::print(stderr, "weir bucket: line {} is empty: an empty key has no bucket\n", number);
    code = kFailed;
  }
  return code;
}

int print_buckets(const Options& options) {
  const routing::Seed seed = routing::seed_of(options.salt);
  int code = kDone;
  for (const std::string& key : options.keys) {
    if (key == "-") {
      code = std::max(code, print_buckets_of_lines(seed));
    } else if (!print_bucket(key, seed)) {
      return wrong_usage("bucket", "a key is empty, and an empty key has no bucket");
    }
  }
  return code;
}

}  // namespace

Action declare_bucket(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("--salt", options->salt, "cohort.salt of the service, by default the service's name")
      ->required()
      ->type_name("SALT");
  app.add_option("KEY", options->keys, "cohort keys; `-` reads them from standard input, one a line")
      ->required()
      ->type_name("");
  app.footer(
      R"(Prints `KEY<tab>BUCKET` a line; a bucket is 0 … 999999. The candidate gets those below its share in millionths:
at 10% the buckets 0 … 99999. Blanks around a key do not count.

Examples:
  weir bucket --salt shop-2026-11 user-1 user-2
  weir bucket --salt shop-2026-11 - < ids.txt
  weir bucket --salt shop-2026-11 - < ids.txt | awk -F '\t' '$2 < 250000'     # who moves at 25%)");
  return [options] { return print_buckets(*options); };
}

}  // namespace weir::cli
