// The arrows of the house, read from the #include lines: config <- routing <- proxy, and inside proxy from the roof
// down.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/support/places.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

/// A source file of the house: its path from the root, and what it includes.
struct Source {
  std::string path;
  std::vector<std::string> own;      // "room/file.h"
  std::vector<std::string> foreign;  // <library/file.h>
};

/// The room a file belongs to: `config`, `routing`, or a part of proxy such as `proxy/http` or `proxy/session`.
std::string room_of(const std::string& path) {
  size_t first = path.find('/');
  std::string top = path.substr(0, first);
  if (top != "proxy") return top;
  size_t second = path.find('/', first + 1);
  if (second != std::string::npos) return path.substr(0, second);
  return path.substr(0, path.rfind('.'));
}

std::vector<Source> sources() {
  std::vector<Source> all;
  const std::regex include(R"re(^\s*#\s*include\s*(["<])([^">]+)[">].*)re");
  for (const char* top : {"config", "routing", "proxy"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(weir::testing::source_directory()) / top)) {
      std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cc") continue;
      Source source{fs::relative(entry.path(), weir::testing::source_directory()), {}, {}};
      std::ifstream file(entry.path());
      std::smatch match;
      for (std::string line; std::getline(file, line);)
        if (std::regex_match(line, match, include))
          (match[1] == "\"" ? source.own : source.foreign).push_back(match[2]);
      all.push_back(std::move(source));
    }
  }
  return all;
}

/// Which rooms a room may include; itself is understood. Written from the roof down.
const std::map<std::string, std::set<std::string>>& arrows() {
  using Rooms = std::set<std::string>;
  const Rooms pure{"config", "routing"};
  auto with = [](Rooms rooms, const Rooms& more) {
    rooms.insert(more.begin(), more.end());
    return rooms;
  };
  static const auto table = [&] {
    std::map<std::string, Rooms> t;
    t["config"] = {};
    t["routing"] = {"config"};
    t["proxy/metrics"] = {};
    t["proxy/net"] = {"config"};
    t["proxy/log"] = {};
    t["proxy/unit"] = {};
    t["proxy/evidence"] = with(pure, {"proxy/metrics"});
    t["proxy/http"] = with(pure, {"proxy/net"});
    t["proxy/upstream"] = with(pure, {"proxy/net", "proxy/http", "proxy/metrics"});
    t["proxy/publication"] =
        with(pure, {"proxy/evidence", "proxy/net", "proxy/http", "proxy/upstream", "proxy/metrics"});
    t["proxy/worker"] = with(t["proxy/publication"], {"proxy/publication", "proxy/log"});
    t["proxy/exchange"] = with(t["proxy/worker"], {"proxy/worker"});
    t["proxy/entrance"] = with(t["proxy/worker"], {"proxy/worker"});
    t["proxy/session"] = with(t["proxy/exchange"], {"proxy/entrance", "proxy/exchange"});
    t["proxy/listener"] = with(t["proxy/session"], {"proxy/session"});
    t["proxy/crew"] = with(t["proxy/listener"], {"proxy/listener"});
    t["proxy/control"] = with(t["proxy/worker"], {"proxy/worker", "proxy/unit"});
    t["proxy/admin"] = with(pure, {"proxy/control", "proxy/metrics", "proxy/net", "proxy/http"});
    t["proxy/standing"] = with(t["proxy/publication"], {"proxy/publication"});
    t["proxy/overview"] = with(t["proxy/publication"], {"proxy/publication", "proxy/admin"});
    t["proxy/series_names"] = with(t["proxy/crew"], {"proxy/crew"});
    t["proxy/handover"] = with(t["proxy/control"], {"proxy/control"});
    t["proxy/descriptors"] = {"config"};
    t["proxy/losses"] = with(t["proxy/entrance"], {"proxy/entrance"});
    t["proxy/server"] = with(t["proxy/crew"], {"proxy/crew", "proxy/admin", "proxy/control", "proxy/standing",
                                               "proxy/unit", "proxy/handover", "proxy/losses", "proxy/descriptors",
                                               "proxy/series_names", "proxy/overview"});
    t["proxy/demo"] = with(t["proxy/server"], {"proxy/server"});
    t["proxy/cli"] = with(t["proxy/demo"], {"proxy/demo"});
    t["proxy/main"] = {"proxy/cli"};
    return t;
  }();
  return table;
}

TEST(House, EveryIncludeFollowsAnArrow) {
  for (const Source& source : sources()) {
    std::string from = room_of(source.path);
    ASSERT_TRUE(arrows().contains(from)) << source.path << " is in a room that has no line in the table";
    for (const std::string& included : source.own) {
      std::string to = room_of(included);
      EXPECT_TRUE(from == to || arrows().at(from).contains(to)) << source.path << " includes " << included;
    }
  }
}

TEST(House, TheTableHasNoCircle) {
  std::map<std::string, int> seen;  // 1: on the way, 2: done
  std::function<bool(const std::string&)> walks_in_a_circle = [&](const std::string& room) {
    if (seen[room] != 0) return seen[room] == 1;
    seen[room] = 1;
    for (const std::string& next : arrows().at(room))
      if (walks_in_a_circle(next)) return true;
    seen[room] = 2;
    return false;
  };
  for (const auto& [room, rooms] : arrows()) EXPECT_FALSE(walks_in_a_circle(room)) << room;
}

TEST(House, NoFilesIncludeEachOtherInACircle) {
  std::map<std::string, std::vector<std::string>> includes;
  for (const Source& source : sources()) includes[source.path] = source.own;
  std::map<std::string, int> seen;
  std::string circle;
  std::function<void(const std::string&)> walk = [&](const std::string& path) {
    if (seen[path] == 1) circle = path;
    if (seen[path] != 0) return;
    seen[path] = 1;
    for (const std::string& next : includes[path]) walk(next);
    seen[path] = 2;
  };
  for (const Source& source : sources()) walk(source.path);
  EXPECT_EQ(circle, "");
}

TEST(House, EveryIncludedFileOfOursIsNamedFromTheRoot) {
  for (const Source& source : sources())
    for (const std::string& included : source.own)
      EXPECT_TRUE(fs::exists(fs::path(weir::testing::source_directory()) / included))
          << source.path << " includes " << included;
}

TEST(House, ConfigAndRoutingOpenNoSocketReadNoClockAndRollNoDice) {
  const std::regex effect(
      R"(boost/(asio|beast).*|sys/(socket|epoll|timerfd|eventfd)\.h|netdb\.h|poll\.h|thread|mutex|future|condition_variable)");
  const std::regex call(R"(.*(random_device|_clock::now|clock_gettime|\bsocket\(|\bconnect\(|std::rand\().*)");
  for (const Source& source : sources()) {
    if (source.path.starts_with("proxy/")) continue;
    for (const std::string& included : source.foreign)
      EXPECT_FALSE(std::regex_match(included, effect)) << source.path << " includes <" << included << ">";
    std::ifstream file(fs::path(weir::testing::source_directory()) / source.path);
    for (std::string line; std::getline(file, line);)
      EXPECT_FALSE(std::regex_match(line, call)) << source.path << ": " << line;
  }
}

TEST(House, BeastLivesInFewFilesAndInNoHeader) {
  std::set<std::string> users;
  for (const Source& source : sources())
    for (const std::string& included : source.foreign)
      if (included.starts_with("boost/beast")) users.insert(source.path);
  EXPECT_LE(users.size(), 5u) << ::testing::PrintToString(users);
  for (const std::string& user : users) EXPECT_TRUE(user.ends_with(".cc")) << user;
}

TEST(House, NoRoomIsWithoutAPurpose) {
  const std::regex vague("(.*[/_])?(util|utils|common|helper|helpers|misc|manager|handler)([_.].*)?");
  for (const char* top : {"config", "routing", "proxy", "tests", "bench"})
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(weir::testing::source_directory()) / top))
      EXPECT_FALSE(std::regex_match(entry.path().filename().string(), vague)) << entry.path();
}

TEST(House, FilesStayReadable) {
  for (const char* top : {"config", "routing", "proxy", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(weir::testing::source_directory()) / top)) {
      std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cc") continue;
      std::ifstream file(entry.path());
      auto lines = std::count(std::istreambuf_iterator<char>(file), {}, '\n');
      EXPECT_LE(lines, 450) << entry.path();
    }
  }
}

TEST(House, NothingIsLeftForLater) {
  const std::regex later(R"(.*\b(TO)(DO)\b.*|.*\b(FIX)(ME)\b.*|.*GTEST_(SKIP)\b.*|.*TEST(_[FP])?\(.*(DIS)(ABLED)_.*)");
  for (const char* top : {"config", "routing", "proxy", "tests", "bench"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(weir::testing::source_directory()) / top)) {
      std::string extension = entry.path().extension();
      if ((extension != ".h" && extension != ".cc") || entry.path().filename() == "layers_test.cc") continue;
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);)
        EXPECT_FALSE(std::regex_match(line, later)) << entry.path() << line;
    }
  }
}

}  // namespace
}  // namespace weir
