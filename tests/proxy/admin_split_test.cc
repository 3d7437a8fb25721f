// Changing a split through the API: every way, every refusal.
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "proxy/admin/routes.h"
#include "tests/proxy/admin_running.h"
#include "tests/support/client.h"
#include "tests/support/files.h"

namespace weir::admin {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using testing::Client;

std::string request(const std::string& method, const std::string& target, const std::string& body,
                    const std::string& lines = "") {
  return method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + lines +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class SplitRoutes : public ::testing::Test {
 protected:
  testing::Response ask(const std::string& method, const std::string& target, const std::string& body = "",
                        const std::string& lines = "") {
    return testing::fetch(running_.address, request(method, target, body, lines), method);
  }
  testing::Response put(const std::string& body, const std::string& lines = "If-Match: \"7\"\r\n",
                        const std::string& query = "") {
    return ask("PUT", "/api/v1/services/shop/split" + query, body, lines);
  }
  testing::Response post(const std::string& what, const std::string& body, const std::string& lines = "") {
    return ask("POST", "/api/v1/services/shop/" + what, body, lines);
  }
  /// Status and field of a problem, as `422 shares.new`.
  static std::string told(const testing::Response& response) {
    EXPECT_EQ(response.fields.get("content-type"), "application/problem+json") << response;
    const json::object body = json::parse(response.body).as_object();
    EXPECT_EQ(body.at("status").to_number<int>(), response.status);
    EXPECT_FALSE(body.at("detail").as_string().empty());
    const json::value* field = body.if_contains("field");
    return std::to_string(response.status) + " " + (field ? std::string(field->as_string()) : "");
  }

  Running running_{options_at("127.0.0.1:0")};
  FakeOperator& control_ = running_.control;
};

const std::string kQuarter = R"({"shares":{"new":"25%"},"reason":"looks good"})";

TEST_F(SplitRoutes, ASplitIsShownWithItsRevisionAsAStrongETag) {
  const auto response = ask("GET", "/api/v1/services/shop/split");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.fields.get("etag"), "\"7\"");
  EXPECT_EQ(json::parse(response.body), json::parse(R"({"service":"shop","revision":7,
    "shares":{"old":"90%","new":"10%"},"closed":false,"in_file":{"old":"90%","new":"10%"},
    "differs_from_file":false,"last":null})"));
}

TEST_F(SplitRoutes, AChangeIsAnsweredWithTheNewSplitAndItsETag) {
  const auto response = put(kQuarter);
  EXPECT_EQ(response.status, 200) << response;
  EXPECT_EQ(response.fields.get("etag"), "\"8\"");
  const auto body = json::parse(response.body).as_object();
  EXPECT_EQ(body.at("shares"), json::parse(R"({"old":"75%","new":"25%"})"));
  EXPECT_EQ(body.at("changed"), true);
  EXPECT_EQ(body.at("last").at("kind"), "split");
  ASSERT_EQ(control_.wishes.size(), 1u);
  EXPECT_EQ(control_.wishes[0].reason, "looks good");
  EXPECT_EQ(control_.wishes[0].if_revision, 7u);
  EXPECT_FALSE(control_.wishes[0].dry_run);
}

TEST_F(SplitRoutes, ARepeatChangesNothing) {
  ASSERT_EQ(put(kQuarter).status, 200);
  const auto again = put(kQuarter, "If-Match: \"8\"\r\n");
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.fields.get("etag"), "\"8\"");
  EXPECT_EQ(json::parse(again.body).at("changed"), false);
}

TEST_F(SplitRoutes, AChangeNeedsToSayWhatItSaw) {
  EXPECT_EQ(told(put(kQuarter, "")), "428 If-Match");
  EXPECT_TRUE(control_.wishes.empty());
}

TEST_F(SplitRoutes, WhoComesSecondIsToldWhatTheFirstDid) {
  ASSERT_EQ(put(kQuarter).status, 200);
  const auto late = put(R"({"shares":{"new":"50%"}})");
  EXPECT_EQ(told(late), "412 ");
  EXPECT_EQ(late.fields.get("etag"), "\"8\"");
  const auto body = json::parse(late.body).as_object();
  EXPECT_EQ(body.at("split").at("revision").to_number<int>(), 8);
  EXPECT_EQ(body.at("split").at("shares"), json::parse(R"({"old":"75%","new":"25%"})"));
}

TEST_F(SplitRoutes, IfMatchTakesAStarListsAndNothingWeakOrForeign) {
  for (const char* fits :
       {"*", " * ", "\"7\"", "\"3\", \"7\"", ",\"7\" ,", "\"3\"\r\nIf-Match: \"7\"", "\"x, y\", \"7\""}) {
    EXPECT_EQ(put(kQuarter, std::string("If-Match: ") + fits + "\r\n", "?dry_run=true").status, 200) << fits;
  }
  for (const char* stale :
       {"\"6\"", "W/\"7\"", "\"07\"", "\"\"", "\"7 \"", "\"-7\"", "\"99999999999999999999\"", "\"abc\""}) {
    EXPECT_EQ(put(kQuarter, std::string("If-Match: ") + stale + "\r\n").status, 412) << stale;
  }
  for (const char* malformed : {"7", "\"7", "'7'", "\"7\" \"8\"", "", ",", "*, \"7\"", "w/\"7\""}) {
    EXPECT_EQ(told(put(kQuarter, std::string("If-Match: ") + malformed + "\r\n")), "400 If-Match") << malformed;
  }
}

TEST_F(SplitRoutes, ADryRunTellsWhoWouldMoveAndChangesNothing) {
  const auto response = put(kQuarter, "If-Match: *\r\n", "?dry_run=true");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.fields.get("etag"), "\"7\"");
  const auto body = json::parse(response.body).as_object();
  EXPECT_EQ(body.at("dry_run"), true);
  EXPECT_EQ(body.at("changed"), false);
  EXPECT_EQ(body.at("effect"), json::parse(R"({"from":"old","to":"new","moved":"15%","first_bucket":100000,
    "last_bucket":249999,"rates_now":{"new":1.5},"rates_then":{},"overriding_rules":[],"warnings":["new is small"]})"));
  EXPECT_TRUE(control_.wishes.at(0).dry_run);
}

TEST_F(SplitRoutes, AParameterThatIsNotUnderstoodIsNotPassedOver) {
  for (const char* query :
       {"?dryrun=true", "?dry_run=yes", "?dry_run", "?dry_run=true&dry_run=false", "?%64ry_runn=true"}) {
    EXPECT_EQ(put(kQuarter, "If-Match: *\r\n", query).status, 400) << query;
  }
  EXPECT_EQ(put(kQuarter, "If-Match: *\r\n", "?%zz").status, 400);
  EXPECT_TRUE(control_.wishes.empty());
}

TEST_F(SplitRoutes, SharesThatMakeNoSenseAreRefusedByName) {
  for (const char* share :
       {R"("-1%")", R"("101%")", R"("NaN")", R"("NaN%")", R"("10.00001%")", R"("ten")",       R"("25")",
        "25",       R"("")",     R"("%")",   R"(" 25%")", R"("25 %")",      R"("1e1%")",      R"("0x10%")",
        "null",     "true",      "[]",       "{}",        R"("٢٥%")",       R"("25%\u0000")", "0.25"}) {
    const std::string body = std::string(R"({"shares":{"new":)") + share + "}}";
    EXPECT_EQ(told(put(body)), "422 shares.new") << share;
  }
  for (const char* body :
       {"{}", R"({"shares":{}})", R"({"shares":"25%"})", R"({"shares":null})", R"({"reason":"x"})"}) {
    EXPECT_EQ(told(put(body)), "422 shares") << body;
  }
  EXPECT_EQ(told(put("")), "422 shares");
  EXPECT_TRUE(control_.wishes.empty());
}

TEST_F(SplitRoutes, AVersionThatDoesNotExistIsNotFound) {
  EXPECT_EQ(told(put(R"({"shares":{"newest":"25%"}})")), "404 shares.newest");
}

TEST_F(SplitRoutes, BodiesHaveOneReading) {
  for (const char* body : {"{", "[]", "null", "\"x\"", R"({"shares":{"new":NaN}})", R"({"shares":{"new":"25%"},})",
                           R"({"shares":{"new":"25%"}} {})", "{'shares':{}}", R"({"shares":{"new":"25%"}/* x */})",
                           "\xef\xbb\xbf{}", "{\"reason\":\"\xff\"}", R"({"reason":"\ud800"})"}) {
    EXPECT_EQ(put(body).status, 400) << body;
  }
  EXPECT_EQ(told(put(R"({"shares":{"new":"25%"},"shares":{"new":"99%"}})")), "400 shares");
  EXPECT_EQ(told(put(R"({"shares":{"new":"25%","n\u0065w":"99%"}})")), "400 new");
  EXPECT_EQ(put(R"({"shares":)" + std::string(20'000, '[') + std::string(20'000, ']') + "}").status, 400);
  EXPECT_EQ(told(put(R"({"shares":{"new":"25%"},"resaon":"typo"})")), "422 resaon");
  EXPECT_TRUE(control_.wishes.empty());
}

TEST_F(SplitRoutes, AReasonIsOneLineOfText) {
  EXPECT_EQ(put(R"({"shares":{"new":"25%"},"reason":"größer – endlich ✓"})").status, 200);
  EXPECT_EQ(control_.wishes.at(0).reason, "größer – endlich ✓");
  for (const char* reason :
       {R"("a\nb")", R"("\u001b[2J")", R"("\u0000")", R"("\u0085")", R"("\u202e")", "7", "null", "[]"}) {
    const std::string body = std::string(R"({"shares":{"new":"25%"},"reason":)") + reason + "}";
    EXPECT_EQ(told(put(body, "If-Match: *\r\n")), "422 reason") << reason;
  }
  const std::string longest(1000, 'x');
  EXPECT_EQ(put(R"({"shares":{"new":"26%"},"reason":")" + longest + "\"}", "If-Match: *\r\n").status, 200);
  EXPECT_EQ(told(put(R"({"shares":{"new":"27%"},"reason":")" + longest + "x\"}", "If-Match: *\r\n")), "422 reason");
}

TEST_F(SplitRoutes, TheAuthorIsTheActorOrThePeer) {
  const auto author = [&](const std::string& lines) {
    EXPECT_EQ(put(kQuarter, "If-Match: *\r\n" + lines).status, 200) << lines;
    const control::Author& told = control_.wishes.back().author;
    return told.name + " from " + told.from + " by " + told.by;
  };
  EXPECT_EQ(author(""), "127.0.0.1 from 127.0.0.1 by api");
  EXPECT_EQ(author("X-Weir-Actor: \r\n"), "127.0.0.1 from 127.0.0.1 by api");
  EXPECT_EQ(author("X-Weir-Actor: ann@example.com\r\n"), "ann@example.com from 127.0.0.1 by api");
  EXPECT_EQ(author("x-weir-actor: Zoë\r\nUser-Agent: weir/0.1.0\r\n"), "Zoë from 127.0.0.1 by cli");
  for (const std::string& lines :
       {"X-Weir-Actor: " + std::string(201, 'x') + "\r\n", std::string("X-Weir-Actor: a\xff\r\n"),
        std::string("X-Weir-Actor: a\tb\r\n"), std::string("X-Weir-Actor: a\r\nX-Weir-Actor: b\r\n")}) {
    EXPECT_EQ(told(put(kQuarter, "If-Match: *\r\n" + lines)), "400 X-Weir-Actor") << lines;
    EXPECT_EQ(told(post("rollback", "", lines)), "400 X-Weir-Actor") << lines;
  }
}

TEST_F(SplitRoutes, RollingBackNeedsNeitherABodyNorIfMatch) {
  const auto response = post("rollback", "");
  EXPECT_EQ(response.status, 200) << response;
  EXPECT_EQ(json::parse(response.body).at("closed"), true);
  EXPECT_EQ(control_.rollbacks.at(0).close_tunnels, std::nullopt);
  EXPECT_EQ(told(put(kQuarter, "If-Match: *\r\n")), "409 ");
  EXPECT_EQ(post("reopen", R"({"reason":"fixed"})").status, 200);
  EXPECT_EQ(control_.reopened, (std::vector<std::string>{"shop: fixed"}));
  EXPECT_EQ(put(kQuarter, "If-Match: *\r\n").status, 200);
}

TEST_F(SplitRoutes, ARollbackMayCloseTunnels) {
  EXPECT_EQ(post("rollback", R"({"reason":"on fire","close_tunnels":"30s"})").status, 200);
  EXPECT_EQ(control_.rollbacks.at(0).close_tunnels, 30s);
  EXPECT_EQ(control_.rollbacks.at(0).reason, "on fire");
  for (const char* duration : {"30", R"("30")", R"("-1s")", R"("25h")", R"("1500ms")", R"("")", "null", R"("1d1h")"}) {
    EXPECT_EQ(told(post("rollback", std::string(R"({"close_tunnels":)") + duration + "}")), "422 close_tunnels")
        << duration;
  }
  EXPECT_EQ(control_.rollbacks.size(), 1u);
}

TEST_F(SplitRoutes, ARevertNamesTheRevisionToGoBackTo) {
  EXPECT_EQ(post("revert", R"({"revision":3,"reason":"was better"})").status, 200);
  EXPECT_EQ(control_.reverted, (std::vector<uint64_t>{3}));
  for (const char* revision : {"0", "-3", "3.0", R"("3")", "null", "18446744073709551615", "1e3"}) {
    EXPECT_EQ(told(post("revert", std::string(R"({"revision":)") + revision + "}")), "422 revision") << revision;
  }
  EXPECT_EQ(told(post("revert", "")), "422 revision");
}

TEST_F(SplitRoutes, AServiceThatDoesNotExistIsNotFound) {
  const std::string none = "/api/v1/services/none/";
  EXPECT_EQ(told(ask("GET", none + "split")), "404 service");
  EXPECT_EQ(told(ask("PUT", none + "split", kQuarter)), "404 service");
  EXPECT_EQ(told(ask("POST", none + "rollback")), "404 service");
  EXPECT_EQ(told(ask("POST", none + "reopen")), "404 service");
  EXPECT_EQ(told(ask("POST", none + "revert", R"({"revision":1})")), "404 service");
  EXPECT_EQ(ask("GET", "/api/v1/services/a%2Fb/split").status, 200);
}

TEST_F(SplitRoutes, EveryRefusalOfTheOperatorHasItsStatus) {
  using control::Refusal;
  const std::vector<std::pair<Refusal, int>> table{{Refusal::unknown_service, 404},  {Refusal::unknown_version, 404},
                                                   {Refusal::bad_share, 422},        {Refusal::stale, 412},
                                                   {Refusal::closed, 409},           {Refusal::no_candidate, 409},
                                                   {Refusal::unknown_revision, 404}, {Refusal::not_stored, 503},
                                                   {Refusal::draining, 409}};
  for (const auto& [refusal, status] : table) {
    control::Outcome outcome;
    outcome.refusal = refusal;
    control_.outcome = outcome;
    EXPECT_EQ(told(put(kQuarter)), std::to_string(status) + " ");
    outcome.field = "shares.new";
    outcome.detail = "in its own words";
    control_.outcome = outcome;
    const auto response = post("rollback", "");
    EXPECT_EQ(told(response), std::to_string(status) + " shares.new");
    EXPECT_EQ(json::parse(response.body).at("detail"), "in its own words");
  }
}

TEST_F(SplitRoutes, WorkersThatAreBehindAreToldAs202) {
  control::Outcome outcome;
  outcome.changed = true;
  outcome.split.service = "shop";
  outcome.split.revision = 8;
  outcome.workers = 4;
  outcome.pending_workers = 1;
  outcome.took = 1s;
  control_.outcome = outcome;
  const auto response = put(kQuarter);
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(response.fields.get("etag"), "\"8\"");
  const auto body = json::parse(response.body).as_object();
  EXPECT_EQ(body.at("pending_workers").to_number<int>(), 1);
  EXPECT_EQ(body.at("workers").to_number<int>(), 4);
  EXPECT_EQ(body.at("took_seconds").to_number<double>(), 1.0);
}

TEST_F(SplitRoutes, WhatIsInForceButNotRememberedSaysSo) {
  control::Outcome outcome;
  outcome.changed = true;
  outcome.remembered = false;
  outcome.detail = "in force, not remembered: the disk is full";
  control_.outcome = outcome;
  const auto response = post("rollback", "");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(json::parse(response.body).at("remembered"), false);
  EXPECT_EQ(json::parse(response.body).at("detail").as_string(), outcome.detail.c_str());
}

TEST_F(SplitRoutes, OthersAreServedWhileAChangeWaits) {
  running_.on_its_thread([&] { control_.hold = true; });
  Client changing(running_.address);
  changing.send(request("PUT", "/api/v1/services/shop/split", kQuarter, "If-Match: \"7\"\r\n"));
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
  EXPECT_TRUE(changing.silent_for(50ms));
  EXPECT_EQ(ask("GET", "/api/v1/services/shop/split").fields.get("etag"), "\"7\"");
  running_.on_its_thread([&] { control_.answer_held(); });
  EXPECT_EQ(changing.receive("PUT").fields.get("etag"), "\"8\"");
  changing.send(get("/healthz"));
  EXPECT_EQ(changing.receive().status, 200);
}

TEST_F(SplitRoutes, AClientThatLeavesDoesNotTakeItsChangeWithIt) {
  running_.on_its_thread([&] { control_.hold = true; });
  Client leaving(running_.address);
  leaving.send(request("PUT", "/api/v1/services/shop/split", kQuarter, "If-Match: \"7\"\r\n"));
  const auto arrived = [&] {
    size_t wishes = 0;
    running_.on_its_thread([&] { wishes = control_.wishes.size(); });
    return wishes == 1;
  };
  ASSERT_TRUE(testing::wait_until(arrived));
  leaving.reset();
  running_.on_its_thread([&] { control_.answer_held(); });
  EXPECT_EQ(ask("GET", "/api/v1/services/shop/split").fields.get("etag"), "\"8\"");
}

TEST_F(SplitRoutes, AServerMayStopWhileAChangeWaits) {
  running_.on_its_thread([&] { control_.hold = true; });
  Client changing(running_.address);
  changing.send(request("POST", "/api/v1/services/shop/rollback", ""));
  const auto arrived = [&] {
    size_t rollbacks = 0;
    running_.on_its_thread([&] { rollbacks = control_.rollbacks.size(); });
    return rollbacks == 1;
  };
  ASSERT_TRUE(testing::wait_until(arrived));
  running_.stop();
  EXPECT_TRUE(changing.closed());
  running_.on_its_thread([&] { control_.answer_held(); });
}

TEST_F(SplitRoutes, HistoryIsNewestFirstAndCanBeNarrowed) {
  put(kQuarter);
  post("rollback", R"({"reason":"x"})", "X-Weir-Actor: ann\r\n");
  const auto changes = [&](const std::string& query) {
    const auto response = ask("GET", "/api/v1/history" + query);
    EXPECT_EQ(response.status, 200) << response;
    std::string all;
    const json::value body = json::parse(response.body);
    for (const auto& change : body.at("changes").as_array()) {
      all += std::to_string(change.at("revision").to_number<int>()) + std::string(change.at("kind").as_string()) + " ";
    }
    return all;
  };
  EXPECT_EQ(changes(""), "9rollback 8split ");
  EXPECT_EQ(changes("?service=shop&limit=1"), "9rollback ");
  EXPECT_EQ(changes("?service=shop&before=9"), "8split ");
  EXPECT_EQ(changes("?service=a%2Fb"), "");
  EXPECT_EQ(control_.queries.at(0).limit, 1000u);
}

TEST_F(SplitRoutes, HistoryThatMakesNoSenseIsRefusedByName) {
  const auto refused = [&](const std::string& query) { return told(ask("GET", "/api/v1/history" + query)); };
  EXPECT_EQ(refused("?limit=0"), "422 limit");
  EXPECT_EQ(refused("?limit=10001"), "422 limit");
  EXPECT_EQ(refused("?limit=-1"), "422 limit");
  EXPECT_EQ(refused("?limit="), "422 limit");
  EXPECT_EQ(refused("?limit=99999999999999999999"), "422 limit");
  EXPECT_EQ(refused("?service=shop&before=x"), "422 before");
  EXPECT_EQ(refused("?before=3"), "422 before");
  EXPECT_EQ(refused("?since=3"), "400 since");
  EXPECT_EQ(refused("?limit=3&limit=4"), "400 limit");
  EXPECT_EQ(refused("?service=none"), "404 service");
}

TEST_F(SplitRoutes, AReloadTellsEveryProblem) {
  EXPECT_EQ(ask("POST", "/-/reload").status, 200);
  running_.on_its_thread([&] {
    control_.problems = {{{"weir.yaml", 3, 7}, "unknown key"}, {{"weir.yaml", 9, 1}, "no versions"}};
  });
  const auto response = ask("POST", "/-/reload");
  EXPECT_EQ(told(response), "422 ");
  const auto problems = json::parse(response.body).at("problems").as_array();
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].at("text"), "weir.yaml:3:7: unknown key");
  EXPECT_EQ(problems[1].at("line").to_number<int>(), 9);
  EXPECT_EQ(told(ask("POST", "/-/reload", R"({"now":true})")), "422 now");
}

TEST_F(SplitRoutes, ADrainIsAccepted) {
  EXPECT_EQ(ask("POST", "/-/drain?now=1").status, 400);
  EXPECT_FALSE(control_.drained);
  EXPECT_EQ(ask("POST", "/-/drain").status, 202);
  EXPECT_TRUE(control_.drained);
}

TEST(SplitOverUnix, TheAuthorIsTheUserAtTheOtherEnd) {
  const testing::Directory directory;
  Running running(options_at("unix:" + (directory / "admin.sock")));
  const std::string rollback = request("POST", "/api/v1/services/shop/rollback", "");
  EXPECT_EQ(testing::fetch(running.address, rollback, "POST").status, 200);
  EXPECT_EQ(running.control.rollbacks.at(0).author.name, "unix uid " + std::to_string(getuid()));
}

TEST(SplitWithToken, NothingIsChangedWithoutIt) {
  const testing::Directory directory;
  testing::write_file(directory / "token", "s3cret\n");
  Options options = options_at("127.0.0.1:0");
  options.admin.token_file = directory / "token";
  Running running(options);
  for (const std::string& name : route_names()) {
    const size_t space = name.find(' ');
    std::string path = name.substr(space + 1);
    if (const size_t hole = path.find("{service}"); hole != std::string::npos) path.replace(hole, 9, "shop");
    const bool open = path == "/healthz" || path == "/readyz" || path == "/metrics";
    const std::string method = name.substr(0, space);
    EXPECT_EQ(testing::fetch(running.address, request(method, path, ""), method).status, open ? 200 : 401) << name;
  }
  EXPECT_TRUE(running.control.rollbacks.empty());
  EXPECT_FALSE(running.control.drained);
}

}  // namespace
}  // namespace weir::admin
