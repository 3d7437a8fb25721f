#include "proxy/demo/advice.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "config/config.h"
#include "routing/bucket.h"

namespace weir::demo {
namespace {

constexpr const char* kExampleUser = "7f3a9c2e";
constexpr const char* kUsualAdmin = "127.0.0.1:9901";

uint32_t bucket(const routing::ServicePlan& service, const std::string& key) {
  return static_cast<uint32_t>(routing::bucket_of(key, service.seed));
}

const std::string& version_at(const routing::ServicePlan& service, uint32_t bucket, config::Share share) {
  return service.versions[bucket < static_cast<uint32_t>(share) ? service.candidate : service.stable].name;
}

/// Somebody who is on the stable version now and moves at `next`; empty if nobody can be found.
std::string who_moves(const routing::ServicePlan& service, config::Share next) {
  for (int number = 1; number < 10'000; ++number) {
    std::string key = fmt::format("user-{}", number);
    const uint32_t at = bucket(service, key);
    if (at >= static_cast<uint32_t>(service.share) && at < static_cast<uint32_t>(next)) return key;
  }
  return {};
}

/// `curl` with what it needs to get to `address`.
std::string curl(const std::string& address, const std::string& header, const std::string& path) {
  const std::string with = header.empty() ? "" : fmt::format("-H '{}' ", header);
  if (address.starts_with("unix:")) {
    return fmt::format("curl {}--unix-socket {} http://localhost{}", with, address.substr(5), path);
  }
  return fmt::format("curl {}http://{}{}", with, address, path);
}

/// What to type for this program: `weir` where a shell finds one, else where it lies.
std::string program() {
  const char* const path = std::getenv("PATH");
  std::istringstream directories(path == nullptr ? "" : path);
  for (std::string directory; std::getline(directories, directory, ':');) {
    if (::access((directory + "/weir").c_str(), X_OK) == 0) return "weir";
  }
  std::error_code error;
  const auto whole = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto here = std::filesystem::current_path(error);
  const auto from_here = whole.lexically_relative(here);
  const bool below = !from_here.empty() && *from_here.begin() != "..";
  return whole.empty() ? "weir" : below ? from_here.string() : whole.string();
}

std::string advise(const std::string& command, const std::string& why) {
  return fmt::format("  {:<62}  {}\n", command, why);
}

std::string advise_user(const routing::ServicePlan& service, const Whereabouts& where, const std::string& key) {
  const uint32_t at = bucket(service, key);
  return advise(curl(where.edge, "Cookie: uid=" + key, "/"),
                fmt::format("this user: bucket {}, {} at {}", at, version_at(service, at, service.share),
                            config::share_text(service.share)));
}

}  // namespace

std::string what_to_try(const routing::ServicePlan& service, const Whereabouts& where) {
  const config::Share next{static_cast<uint32_t>(service.share) < 250'000 ? 250'000U : 100'000U};
  const std::string now_text = config::share_text(service.share), next_text = config::share_text(next);
  std::string text = fmt::format("weir {}     edge http://{}     admin {}     configuration {}\n", WEIR_VERSION,
                                 where.edge, where.admin.empty() ? "none" : "http://" + where.admin, where.config_file);
  text += "try:\n";
  text += advise_user(service, where, kExampleUser);
  if (const std::string moves = who_moves(service, next); !moves.empty()) text += advise_user(service, where, moves);
  text += advise(curl(where.edge, "X-Staff: 1", "/"), "staff always meet new, by the rule");
  text += advise(fmt::format("sed -i 's/new: {}/new: {}/' {}", now_text, next_text, where.config_file),
                 fmt::format("{} from the next request on", next_text));
  if (!where.admin.empty()) {
    const std::string at = where.admin == kUsualAdmin ? "" : " --admin " + where.admin;
    const std::string weir = program();
    text += advise(weir + " rollout start shop" + at, "new climbs by itself, to 100% in under two minutes");
    text += advise(weir + " rollout status shop --watch" + at, "watch it; press b here, and see it turn back");
  }
  if (!where.admin.empty()) text += advise(curl(where.admin, "", "/metrics"), "the same numbers for Prometheus");
  return text + "Ctrl-C ends it.\n\n";
}

}  // namespace weir::demo
