// The commands that ask a running weir, held against an admin API that answers as the test says: what they send,
// what they print, what they exit with.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <mutex>

#include "tests/support/files.h"
#include "tests/support/origin.h"
#include "tests/support/places.h"
#include "tests/support/program.h"

namespace weir::testing {
namespace {

using Words = std::vector<std::string>;

const std::string kSplit = R"({"service":"shop","revision":7,"shares":{"old":"90%","new":"10%"},"closed":false,)"
                           R"("in_file":{"old":"90%","new":"10%"},"differs_from_file":false,"last":null})";

const std::string kChange =
    R"({"service":"shop","revision":9,"at":"2026-11-23T14:07:12.000250Z","actor":"eve@ops","from":"127.0.0.1:4711",)"
    R"("by":"cli","kind":"split","before":{"old":"90%","new":"10%"},"after":{"old":"50%","new":"50%"},)"
    R"("closed_before":false,"closed_after":false,"reason":"ramp"})";

std::string changed_split(const std::string& more = "") {
  return R"({"service":"shop","revision":9,"shares":{"old":"50%","new":"50%"},"closed":false,)"
         R"("in_file":{"old":"90%","new":"10%"},"differs_from_file":true,"last":)" +
         kChange + more + "}";
}

/// What became of a change, as the API tells it.
std::string outcome(const std::string& more) {
  return R"({"service":"shop","revision":8,"shares":{"old":"75%","new":"25%"},"closed":false,"changed":true,)"
         R"("dry_run":false,"remembered":true,"workers":2,"pending_workers":0,"took_seconds":0.00184,"effect":{})" +
         more + "}";
}

class CliAdmin : public ::testing::Test {
 protected:
  explicit CliAdmin(const std::string& address = "127.0.0.1:0") : api_([this](Turn& turn) { serve(turn); }, address) {}

  void answer(const std::string& request, const std::string& body, int status = 200, const std::string& lines = "") {
    const std::lock_guard lock(mutex_);
    answers_[request] =
        fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(), lines, body);
  }
  void problem(const std::string& request, int status, const std::string& detail) {
    answer(request, fmt::format(R"({{"title":"X","status":{},"detail":"{}"}})", status, detail), status);
  }

  Finished weir(Words words, std::vector<std::pair<std::string, std::string>> environment = {}) {
    environment.insert(environment.end(), {{"TZ", "UTC"}, {"WEIR_ADMIN", api_.address()}, {"USER", "max"}});
    return run(weir_program(), words, {.environment = environment, .input = "", .directory = {}});
  }
  Request last() const { return api_.requests().back(); }

  Directory directory_;
  Origin api_;

 private:
  void serve(Turn& turn) {
    turn.read_body();
    const std::lock_guard lock(mutex_);
    const auto found = answers_.find(turn.request().method + " " + turn.request().target);
    turn.send(found != answers_.end() ? found->second : "HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n");
    turn.close();
  }

  std::mutex mutex_;
  std::map<std::string, std::string> answers_;
};

TEST_F(CliAdmin, SplitShowIsATableOfEveryService) {
  answer("GET /api/v1/services", R"({"services":[{"name":"shop"},{"name":"wiki"}]})");
  answer("GET /api/v1/services/shop/split", changed_split());
  answer(
      "GET /api/v1/services/wiki/split",
      R"({"service":"wiki","revision":1,"shares":{"main":"100%"},"closed":false,"differs_from_file":false,"last":null})");
  const Finished shown = weir({"split", "show"});
  EXPECT_EQ(shown.code, 0) << shown.errors;
  EXPECT_EQ(shown.output,
            "SERVICE  REVISION  SHARES            CHANGED              BY             WHY\n"
            "shop            9  old 50%, new 50%  2026-11-23 14:07:12  eve@ops (cli)  ramp\n"
            "wiki            1  main 100%         never\n"
            "shop: the file says old 90%, new 10%; what was changed at run time stands until the file's split is "
            "edited\n");
}

TEST_F(CliAdmin, SplitShowTellsOfAClosedCandidate) {
  answer("GET /api/v1/services/shop/split",
         R"({"service":"shop","revision":9,"shares":{"old":"100%","new":"0%"},"closed":true,"last":null})");
  const std::string told = weir({"split", "show", "shop"}).output;
  EXPECT_NE(told.find("closed, rules included; `weir reopen shop`"), std::string::npos) << told;
  EXPECT_EQ(told.find('\x1b'), std::string::npos) << "colours are for terminals";
}

TEST_F(CliAdmin, SplitSetReadsTheRevisionAndChangesThatOne) {
  answer("GET /api/v1/services/shop/split", kSplit);
  answer("PUT /api/v1/services/shop/split", outcome(""));
  const Finished set = weir({"split", "set", "shop", "new=25%", "--reason", "looks \"fine\""});
  EXPECT_EQ(set.code, 0) << set.errors;
  EXPECT_EQ(set.output, "revision 8, in force on 2 of 2 workers after 1.8 ms\n");
  EXPECT_EQ(last().fields.get("If-Match"), "\"7\"");
  EXPECT_EQ(last().body, R"({"shares":{"new":"25%"},"reason":"looks \"fine\""})");
  EXPECT_EQ(last().fields.get("X-Weir-Actor").rfind("max@", 0), 0u) << last().fields.get("X-Weir-Actor");
  EXPECT_EQ(last().fields.get("User-Agent").rfind("weir/", 0), 0u);
}

TEST_F(CliAdmin, SplitSetWithARevisionReadsNothingFirst) {
  answer("PUT /api/v1/services/shop/split", outcome(""));
  const Words words{"split", "set", "shop", "new=25%", "old=75%", "--if-revision", "4", "--actor", "robot"};
  EXPECT_EQ(weir(words).code, 0);
  const Request request = api_.only_request();
  EXPECT_EQ(request.fields.get("If-Match"), "\"4\"");
  EXPECT_EQ(request.fields.get("X-Weir-Actor"), "robot");
  EXPECT_EQ(request.body, R"({"shares":{"new":"25%","old":"75%"}})");
}

TEST_F(CliAdmin, SomebodyElsesChangeExitsFourAndIsShown) {
  answer("PUT /api/v1/services/shop/split", R"({"status":412,"detail":"stale","split":)" + changed_split() + "}", 412,
         "ETag: \"9\"\r\n");
  const Finished lost = weir({"split", "set", "shop", "new=25%", "--if-revision", "7"});
  EXPECT_EQ(lost.code, 4);
  EXPECT_EQ(lost.output, "");
  EXPECT_EQ(lost.errors,
            "weir split set: somebody else changed shop first: revision 9, old 50%, new 50%, by eve@ops (cli) at "
            "2026-11-23 14:07:12: ramp\n"
            "try: weir split show shop, then again\n");
}

TEST_F(CliAdmin, ADryRunTellsWhoWouldMove) {
  answer("GET /api/v1/services/shop/split", kSplit);
  answer("PUT /api/v1/services/shop/split?dry_run=true",
         R"({"revision":7,"shares":{},"changed":false,"dry_run":true,"effect":{"from":"old","to":"new","moved":"15%",)"
         R"("first_bucket":100000,"last_bucket":249999,"rates_now":{"old":802,"new":98},)"
         R"("rates_then":{"old":655,"new":245},"overriding_rules":["staff","bots"],"warnings":["new is small"]}})");
  const Finished dry = weir({"split", "set", "shop", "new=25%", "--dry-run"});
  EXPECT_EQ(dry.code, 0) << dry.errors;
  EXPECT_EQ(dry.output,
            "moves 15% of users old → new, none back (buckets 100000 … 249999) · new 98 → about 245 req/s of 900\n"
            "decided before the split, by rules: staff, bots\n");
  EXPECT_EQ(dry.errors, "warning: new is small\n");
}

TEST_F(CliAdmin, ARepeatAndALateWorkerAndALostStateAreTold) {
  answer("GET /api/v1/services/shop/split", kSplit);
  answer("PUT /api/v1/services/shop/split", R"({"revision":7,"shares":{"old":"90%","new":"10%"},"changed":false})");
  EXPECT_EQ(weir({"split", "set", "shop", "new=10%"}).output,
            "nothing to change: shop has old 90%, new 10% already, revision 7\n");
  answer("PUT /api/v1/services/shop/split",
         R"({"revision":8,"changed":true,"remembered":true,"workers":4,"pending_workers":1,"took_seconds":1})", 202);
  const Finished late = weir({"split", "set", "shop", "new=25%"});
  EXPECT_EQ(late.output, "revision 8, in force on 3 of 4 workers after 1000.0 ms\n");
  EXPECT_NE(late.errors.find("a worker is busy"), std::string::npos);
  answer("POST /api/v1/services/shop/rollback", R"({"revision":8,"changed":true,"remembered":false,"workers":1,)"
                                                R"("took_seconds":0,"detail":"disk full"})");
  EXPECT_EQ(weir({"rollback", "shop"}).errors,
            "IN FORCE, BUT NOT REMEMBERED: it does not outlive the process: disk full\n");
}

TEST_F(CliAdmin, RollbackReopenAndRevertAskForNoRevision) {
  for (const char* what : {"rollback", "reopen", "revert"})
    answer(fmt::format("POST /api/v1/services/shop/{}", what), outcome(""));
  EXPECT_EQ(weir({"rollback", "shop", "--reason", "carts are empty", "--close-tunnels", "1m"}).code, 0);
  EXPECT_EQ(last().body, R"({"close_tunnels":"60s","reason":"carts are empty"})");
  EXPECT_FALSE(last().fields.has("If-Match"));
  EXPECT_EQ(weir({"reopen", "shop"}).code, 0);
  EXPECT_EQ(last().body, "{}");
  EXPECT_EQ(weir({"revert", "shop", "7", "--reason", "as before"}).code, 0);
  EXPECT_EQ(last().body, R"({"revision":7,"reason":"as before"})");
}

TEST_F(CliAdmin, HistoryIsATableNewestFirst) {
  answer(
      "GET /api/v1/history?limit=2&service=shop",
      R"({"changes":[)" + kChange + "," +
          R"({"service":"shop","revision":8,"at":"2026-11-23T14:00:00Z","actor":"","from":"","by":"file","kind":"rollback",)"
          R"("before":{"old":"75%","new":"25%"},"after":{"old":"100%","new":"0%"},"closed_after":true,"reason":""}]})");
  EXPECT_EQ(
      weir({"history", "shop", "--limit", "2"}).output,
      "WHEN                 SERVICE  REVISION  WHAT      CHANGE                BY             FROM            WHY\n"
      "2026-11-23 14:07:12  shop            9  split     new 10% → 50%         eve@ops (cli)  127.0.0.1:4711  ramp\n"
      "2026-11-23 14:00:00  shop            8  rollback  new 25% → 0%, closed  file\n");
  answer("GET /api/v1/history?limit=20", R"({"changes":[]})");
  EXPECT_EQ(weir({"history"}).output, "nothing was changed yet\n");
}

TEST_F(CliAdmin, StatusIsALineAVersion) {
  answer("GET /api/v1/services",
         R"({"services":[{"name":"shop","stable":"old","candidate":"new","shares":{"old":"90%","new":"10%"},)"
         R"("seen":"9.9%","versions":[{"name":"old","requests":{"2xx":900,"5xx":0},"in_flight":2,)"
         R"("duration_seconds":{"p50":0.0004,"p99":0.0011},"endpoints":[{"address":"127.0.0.1:1","up":true}]},)"
         R"({"name":"new","requests":{"2xx":75,"5xx":25},"in_flight":0,"duration_seconds":{"p50":0.2,"p99":12},)"
         R"("endpoints":[{"address":"127.0.0.1:2","up":false}]}]}]})");
  EXPECT_EQ(weir({"status"}).output,
            "SERVICE  VERSION  ASKED  SEEN  REQUESTS    5XX    P50    P99  IN FLIGHT  ENDPOINTS\n"
            "shop     old        90%             900   0.0%  0.4ms  1.1ms          2  1 of 1 up\n"
            "         new        10%  9.9%       100  25.0%  200ms    12s          0  0 of 1 up, down: 127.0.0.1:2\n");
}

TEST_F(CliAdmin, ExplainWithoutAFileAsksTheRunningWeir) {
  answer("POST /api/v1/explain", R"({"text":"shop · rule staff → new","notes":["X-A is dropped"]})");
  const Words words{"explain", "-X",     "POST", "--from", "192.0.2.1",
                    "-H",      "X-A: 1", "-H",   "X-B: 2", "http://shop.example/a"};
  const Finished told = weir(words);
  EXPECT_EQ(told.output, "shop · rule staff → new\n");
  EXPECT_EQ(told.errors, "note: X-A is dropped\n");
  EXPECT_EQ(last().body,
            R"({"method":"POST","url":"http://shop.example/a","from":"192.0.2.1","headers":["X-A: 1","X-B: 2"]})");
}

TEST_F(CliAdmin, JsonIsTheAnswerAsItCame) {
  const std::string odd = R"({ "revision":7,   "any":"thing" })";
  for (const char* request :
       {"GET /api/v1/services", "GET /api/v1/history?limit=20", "POST /api/v1/explain",
        "POST /api/v1/services/shop/rollback", "POST /api/v1/services/shop/reopen", "POST /api/v1/services/shop/revert",
        "GET /api/v1/services/shop/split", "PUT /api/v1/services/shop/split"})
    answer(request, odd);
  for (const Words& words :
       {Words{"status"}, Words{"history"}, Words{"explain", "/"}, Words{"rollback", "shop"}, Words{"reopen", "shop"},
        Words{"revert", "shop", "7"}, Words{"split", "set", "shop", "new=1%"}}) {
    Words with = words;
    with.emplace_back("--json");
    EXPECT_EQ(weir(with).output, odd + "\n") << words[0];
    with.pop_back();
    with.insert(with.begin(), "--json");
    EXPECT_EQ(weir(with).output, odd + "\n") << words[0] << " with the option first";
  }
  EXPECT_EQ(weir({"split", "--json", "show", "shop"}).output, "{\"revision\":7,\"any\":\"thing\"}\n");
}

TEST_F(CliAdmin, ARefusalIsToldInTheApisWords) {
  answer("GET /api/v1/services/shop/split", kSplit);
  problem("PUT /api/v1/services/shop/split", 409, "new is closed since 14:07");
  const Finished refused = weir({"split", "set", "shop", "new=25%"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_EQ(refused.errors.rfind("weir split set: new is closed since 14:07\ntry: ", 0), 0u) << refused.errors;
  problem("GET /api/v1/services/store/split", 404, "there is no service store");
  EXPECT_EQ(weir({"split", "show", "store"}).code, 1);
  EXPECT_NE(weir({"status"}).errors.find("the admin answered 500"), std::string::npos);
}

TEST_F(CliAdmin, TheTokenIsReadFromItsFile) {
  answer("GET /api/v1/services", R"({"services":[]})");
  write_file(directory_ / "token", "the-token\n");
  EXPECT_EQ(weir({"status", "--token-file", directory_ / "token"}).code, 0);
  EXPECT_EQ(last().fields.get("Authorization"), "Bearer the-token");
  EXPECT_EQ(weir({"status"}, {{"WEIR_TOKEN_FILE", directory_ / "token"}}).code, 0);
  EXPECT_EQ(last().fields.get("Authorization"), "Bearer the-token");
  const Finished missing = weir({"status", "--token-file", directory_ / "nothing"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_NE(missing.errors.find("No such file"), std::string::npos) << missing.errors;
  problem("GET /api/v1/services", 401, "send the token");
  EXPECT_NE(weir({"status"}).errors.find("try: name the file with the admin's token: --token-file"), std::string::npos);
}

TEST_F(CliAdmin, TheAddressMayStandAnywhere) {
  answer("GET /api/v1/services/shop/split", kSplit);
  const std::string at = api_.address();
  for (const Words& words :
       {Words{"--admin", at, "split", "show", "shop"}, Words{"split", "--admin", at, "show", "shop"},
        Words{"split", "show", "--admin", at, "shop"}, Words{"split", "show", "shop", "--admin", at}}) {
    EXPECT_EQ(weir(words, {{"WEIR_ADMIN", "127.0.0.1:1"}}).code, 0) << ::testing::PrintToString(words);
  }
}

TEST_F(CliAdmin, WithoutAnAnswerItSaysWhatToCheck) {
  const std::string nobody = own_loopback() + ":" + std::to_string(free_port(own_loopback()));
  Origin strange(raw_then_close("220 mail.example ESMTP\r\n")), mute(raw_then_close(""));
  for (const auto& [address, said] : std::vector<std::pair<std::string, std::string>>{
           {nobody, "cannot reach a running weir at " + nobody + ": Connection refused"},
           {"unix:" + directory_ / "none.sock", "No such file or directory"},
           {"no-such-host.invalid:1", "no-such-host.invalid is no host that can be found"},
           {strange.address(), "did not answer as weir's admin does"},
           {mute.address(), "closed the connection without an answer"}}) {
    const Finished finished = weir({"status", "--admin", address});
    EXPECT_EQ(finished.code, 1) << address;
    EXPECT_EQ(finished.output, "");
    EXPECT_NE(finished.errors.find(said), std::string::npos) << finished.errors;
    EXPECT_NE(finished.errors.find("\ntry: "), std::string::npos) << finished.errors;
  }
}

TEST_F(CliAdmin, WrongWordsExitTwoAndAskNobody) {
  const std::vector<Words> wrong{{"split"},
                                 {"split", "get"},
                                 {"split", "set", "shop"},
                                 {"split", "set", "shop", "25%"},
                                 {"split", "set", "shop", "new=25"},
                                 {"split", "set", "shop", "new=101%"},
                                 {"split", "set", "shop", "new=-1%"},
                                 {"split", "set", "shop", "new=NaN%"},
                                 {"split", "set", "shop", "new=10.00001%"},
                                 {"split", "set", "shop", "new=ten"},
                                 {"split", "set", "shop", "new=1%", "new=2%"},
                                 {"split", "set", "shop", "new=1%", "--if-revision", "x"},
                                 {"split", "show", "shop", "more"},
                                 {"rollback"},
                                 {"rollback", "shop", "--close-tunnels", "soon"},
                                 {"reopen"},
                                 {"revert", "shop"},
                                 {"revert", "shop", "before"},
                                 {"history", "--limit", "0"},
                                 {"status", "more"},
                                 {"status", "--admin", "nowhere"}};
  for (const Words& words : wrong) {
    const Finished finished = weir(words);
    EXPECT_EQ(finished.code, 2) << ::testing::PrintToString(words) << finished.errors;
    EXPECT_EQ(finished.errors.rfind("weir ", 0), 0u) << finished.errors;
    EXPECT_NE(finished.errors.find("\ntry: weir "), std::string::npos) << finished.errors;
  }
  EXPECT_TRUE(api_.requests().empty());
}

class CliAdminSocket : public CliAdmin {
 protected:
  CliAdminSocket() : CliAdmin("unix:/tmp/weir-cli-" + std::to_string(::getpid()) + ".sock") {}
};

TEST_F(CliAdminSocket, AUnixSocketIsAnAddressToo) {
  answer("GET /api/v1/services", R"({"services":[]})");
  EXPECT_EQ(weir({"status"}).code, 0);
  EXPECT_EQ(api_.only_request().fields.get("Host"), "localhost");
}

}  // namespace
}  // namespace weir::testing
