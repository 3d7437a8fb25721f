// Random and hostile requests to every route: always an answer, never a change that nobody asked for.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "proxy/admin/routes.h"
#include "proxy/admin/strict_json.h"
#include "tests/proxy/admin_running.h"
#include "tests/support/client.h"

namespace weir::admin {
namespace {

namespace json = boost::json;
using testing::Client;

constexpr unsigned kSeed = 20261123;
constexpr int kRounds = 3'000;

const std::vector<std::string> kSeeds{
    R"({"shares":{"new":"25%"},"reason":"looks good"})",
    R"({"shares":{"old":"75%","new":"25.0001%"}})",
    R"({"reason":"x","close_tunnels":"30s"})",
    R"({"revision":7,"reason":"back"})",
    R"({"method":"GET","url":"http://shop.example/?a=b","headers":{"A":["b","c"]},"from":"::1"})",
    R"([[[[1e400,-0.0,"\ud83d\ude00",{"a":null}]]]])",
    "{}"};

/// Bytes that a parser may trip over.
const std::vector<std::string> kTokens{"{",
                                       "}",
                                       "[",
                                       "]",
                                       "\"",
                                       ":",
                                       ",",
                                       "\\",
                                       "\\u0000",
                                       "null",
                                       "true",
                                       "1e999",
                                       "-0",
                                       "NaN",
                                       "%",
                                       "25%",
                                       "-1%",
                                       "\xff",
                                       "\xc0\x80",
                                       "\xed\xa0\x80",
                                       "\xe2\x80\xae",
                                       "\r\n",
                                       std::string(1, '\0'),
                                       "new",
                                       "shares"};

class Mutator {
 public:
  std::string text(std::string text) {
    const size_t times = pick(6);
    for (size_t i = 0; i < times; ++i) change(text);
    return text;
  }
  size_t pick(size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(random_); }
  const std::string& of(const std::vector<std::string>& all) { return all[pick(all.size())]; }

 private:
  void change(std::string& text) {
    const size_t at = pick(text.size() + 1);
    switch (pick(5)) {
      case 0:
        text.insert(at, of(kTokens));
        break;
      case 1:
        text.erase(at, pick(8));
        break;
      case 2:
        if (at < text.size()) text[at] = static_cast<char>(pick(256));
        break;
      case 3:
        text.insert(at, text.substr(pick(text.size() + 1), 40));
        break;
      default:
        for (size_t i = pick(40); i > 0; --i) text.insert(at, of({"[", "{\"a\":", "{"}));
    }
  }

  std::mt19937 random_{kSeed};
};

/// Of a route's name: with the service, and now and then with something else in its place.
std::string path_of(const std::string& name, Mutator& mutator) {
  std::string path = name.substr(name.find(' ') + 1);
  const std::string service = mutator.of({"shop", "shop", "a%2Fb", "none", "%00", "%ff", "%", "..", "shop%20"});
  if (const size_t hole = path.find("{service}"); hole != std::string::npos) path.replace(hole, 9, service);
  return path + mutator.of({"", "", "?dry_run=true", "?limit=3", "?%ff=%ff", "?a&a", "?=", "?&&", "?%"});
}

TEST(Hostile, EveryRouteAnswersWhateverItsBodyIs) {
  Mutator mutator;
  FakeOperator control;
  const Sources sources{[] { return true; }, [] { return std::string(); }, [] { return View(); }, &control};
  const Access access({}, "");
  const std::vector<std::string> routes = route_names();
  size_t taken = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::string& name = mutator.of(routes);
    Request request;
    request.method = name.substr(0, name.find(' '));
    request.target = path_of(name, mutator);
    request.hosts = {"localhost"};
    request.if_matches = {mutator.text(mutator.of({"*", "\"1\"", "W/\"2\", \"3\""}))};
    request.actors = {mutator.of({"ann", "\xff", "", "a\nb"})};
    request.body = mutator.text(mutator.of(kSeeds));
    int answers = 0;
    answer(request, access, sources, [&](const Response& response) {
      ++answers;
      EXPECT_GE(response.status, 200u);
      EXPECT_LT(response.status, 600u);
      EXPECT_NE(response.status, 500u) << request.target << "\n" << request.body << "\n" << response.body;
      if (response.status >= 400) {
        EXPECT_NO_THROW(json::parse(response.body)) << response.body;
      }
      if (response.status < 300) ++taken;
    });
    EXPECT_EQ(answers, 1) << request.method << " " << request.target;
  }
  EXPECT_GT(taken, 100u);  // not everything was refused at the door
  for (const control::SplitWish& wish : control.wishes) {
    EXPECT_TRUE(is_printable(wish.reason));
    EXPECT_FALSE(wish.shares.empty());
    for (const auto& [version, share] : wish.shares) EXPECT_LE(share, config::kEverybody);
  }
}

TEST(Hostile, StrictJsonTakesNothingThatOtherParsersRefuse) {
  Mutator mutator;
  size_t good = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::string text = mutator.text(mutator.of(kSeeds));
    const StrictJson strict = parse_strictly(text);
    boost::system::error_code error;
    const json::value plain = json::parse(text, error);
    if (!strict.wrong.empty()) continue;
    ++good;
    ASSERT_FALSE(error) << text;
    EXPECT_EQ(json::serialize(strict.value), json::serialize(plain)) << text;
  }
  EXPECT_GT(good, 300u);
}

TEST(Hostile, AnyBytesOnTheWireLeaveTheServerServing) {
  Running running(options_at("127.0.0.1:0"));
  Mutator mutator;
  const std::vector<std::string> routes = route_names();
  for (int round = 0; round < 300; ++round) {
    const std::string& name = mutator.of(routes);
    const std::string body = mutator.text(mutator.of(kSeeds));
    const std::string head =
        name.substr(0, name.find(' ')) + " " + path_of(name, mutator) +
        " HTTP/1.1\r\nHost: localhost\r\nIf-Match: *\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    Client client(running.address);
    client.send(mutator.pick(3) == 0 ? mutator.text(head) + body : head + body);
    if (mutator.pick(4) == 0) {
      client.reset();
      continue;
    }
    client.finish();
    const std::string answer = client.receive_all();
    EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 ")) << answer;
    EXPECT_FALSE(answer.starts_with("HTTP/1.1 500")) << head << body << answer;
  }
  EXPECT_EQ(testing::fetch(running.address, get("/healthz")).status, 200);
}

TEST(Hostile, ABodyIsAtMost64KiBAndItsDepth8) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(parse_strictly(nested(kMaxDepth)).wrong, "");
  EXPECT_NE(parse_strictly(nested(kMaxDepth + 1)).wrong, "");
  EXPECT_NE(parse_strictly(std::string(60'000, '[')).wrong, "");
  Running running(options_at("127.0.0.1:0"));
  const std::string body = R"({"reason":")" + std::string(65'536, 'x') + "\"}";
  const std::string rollback = "POST /api/v1/services/shop/rollback HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                               std::to_string(body.size()) + "\r\n\r\n" + body;
  EXPECT_EQ(testing::fetch(running.address, rollback, "POST").status, 413);
}

}  // namespace
}  // namespace weir::admin
